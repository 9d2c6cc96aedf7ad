#include "controller/datapath/pinned_config.h"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>

#include <bpf/bpf.h>

namespace glb::datapath {

namespace {

/// A pinned array map whose rows may be shorter or longer than those of this version. A map that the set does
/// not have reads as zeros.
class PinnedMap {
  public:
    static Result<PinnedMap> open(const Pins &pins, Map map) {
        PinnedMap opened;
        opened.name_ = to_string(map);
        opened.fd_ = Fd(bpf_obj_get(pins.map(map).c_str()));
        if (!opened.fd_ && errno == ENOENT)
            return opened;
        bpf_map_info info{};
        std::uint32_t size = sizeof info;
        if (!opened.fd_ || bpf_obj_get_info_by_fd(opened.fd_.get(), &info, &size) != 0)
            return fail_errno(errno, "cannot open the pinned map {}", opened.name_);
        opened.row_.resize(info.value_size);
        opened.rows_ = info.max_entries;
        return opened;
    }

    template <typename Row>
    Result<Row> row(std::uint32_t key) {
        Row row{};
        if (key >= rows_)
            return row;
        if (bpf_map_lookup_elem(fd_.get(), &key, row_.data()) != 0)
            return fail_errno(errno, "cannot read row {} of {}", key, name_);
        std::memcpy(&row, row_.data(), std::min(sizeof row, row_.size()));
        return row;
    }

  private:
    PinnedMap() = default;

    Fd fd_;
    const char *name_ = "";
    std::vector<std::byte> row_;
    std::uint32_t rows_ = 0;
};

Status read_groups(const Pins &pins, std::uint32_t bank, PinnedConfig &config) {
    GLB_ASSIGN(auto groups, PinnedMap::open(pins, Map::groups));
    GLB_ASSIGN(auto fingerprints, PinnedMap::open(pins, Map::maglev_fingerprints));
    for (std::uint16_t group = 0; group < GLB_MAX_GROUPS; ++group) {
        GLB_ASSIGN(const auto row, groups.row<glb_group>(bank * GLB_MAX_GROUPS + group));
        if (row.tcp_ticks == 0)
            continue;
        auto &found = config.groups[group];
        found.row = row;
        if (row.table < GLB_MAX_TABLES) {
            GLB_ASSIGN(found.fingerprint, fingerprints.row<std::uint64_t>(row.table));
        }
    }
    return {};
}

Status read_targets(const Pins &pins, std::uint32_t bank, PinnedConfig &config) {
    GLB_ASSIGN(auto targets, PinnedMap::open(pins, Map::targets));
    GLB_ASSIGN(auto states, PinnedMap::open(pins, Map::target_state));
    for (std::uint32_t target = 0; target < GLB_MAX_TARGETS; ++target) {
        GLB_ASSIGN(const auto row, targets.row<glb_target>(bank * GLB_MAX_TARGETS + target));
        if (row.destination == 0)
            continue;
        const auto index = static_cast<std::uint16_t>(target);
        config.targets[index] = row;
        GLB_ASSIGN(config.target_states[index], states.row<std::uint64_t>(target));
    }
    return {};
}

} // namespace

Result<PinnedConfig> read_pinned_config(const Pins &pins) {
    PinnedConfig config;
    GLB_ASSIGN(config.names, pins.index_names());
    GLB_ASSIGN(auto control, PinnedMap::open(pins, Map::control));
    GLB_ASSIGN(const auto row, control.row<glb_control>(0));
    config.epoch = row.epoch;
    GLB_TRY(read_groups(pins, row.bank & 1, config));
    GLB_TRY(read_targets(pins, row.bank & 1, config));
    return config;
}

} // namespace glb::datapath
