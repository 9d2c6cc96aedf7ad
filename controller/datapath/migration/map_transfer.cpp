#include "controller/datapath/migration/map_transfer.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <string>
#include <system_error>
#include <vector>

#include "controller/datapath/map_io.h"
#include "controller/util/fd.h"

namespace glb::datapath {

namespace {

namespace fs = std::filesystem;

constexpr Map maps_of_the_table[] = {Map::flows_hot, Map::flows_cold, Map::metadata};
constexpr Map config_maps[] = {Map::control,      Map::groups,
                               Map::targets,      Map::target_state,
                               Map::group_action, Map::endpoint_override,
                               Map::index_names,  Map::maglev_fingerprints};
constexpr Map counter_maps[] = {Map::drops, Map::counters, Map::endpoint_counts, Map::target_counts};

bool is_of_the_table(const std::string &name) {
    return std::any_of(std::begin(maps_of_the_table), std::end(maps_of_the_table),
                       [&](Map map) { return name == to_string(map); });
}

Result<bpf_map_info> info_of(MapRef map) {
    bpf_map_info info{};
    std::uint32_t size = sizeof info;
    if (bpf_obj_get_info_by_fd(map.fd, &info, &size) != 0)
        return fail_errno(errno, "cannot read the info of {}", map.name);
    return info;
}

bool is_per_cpu(const bpf_map_info &info) {
    return info.type == BPF_MAP_TYPE_PERCPU_ARRAY;
}

/// Does nothing if `from` does not exist.
Status pin_again(const fs::path &from, const fs::path &into) {
    GLB_ASSIGN(const auto fd, open_if_pinned(from));
    if (fd && bpf_obj_pin(fd.get(), into.c_str()) != 0 && errno != EEXIST)
        return fail_errno(errno, "cannot pin {}", into.string());
    return {};
}

/// Copies row by row as many bytes as both maps have; the others stay 0. Neither map is a map of maps.
Status copy_rows(MapRef from, WritableMap into) {
    GLB_ASSIGN(const auto older, info_of(from));
    GLB_ASSIGN(const auto newer, info_of(into));
    if (is_per_cpu(older) != is_per_cpu(newer))
        return {}; // the schemas count differently
    const auto cpus =
        is_per_cpu(older) ? static_cast<std::size_t>(std::max(1, libbpf_num_possible_cpus())) : 1;
    // The kernel aligns the value of each CPU to eight bytes.
    const auto older_size = (older.value_size + 7) / 8 * 8, newer_size = (newer.value_size + 7) / 8 * 8;
    std::vector<std::byte> row(older_size * cpus), copy(newer_size * cpus);
    const std::vector<std::byte> zero(row.size());
    const auto common = std::min(older.value_size, newer.value_size);
    for (std::uint32_t key = 0; key < std::min(older.max_entries, newer.max_entries); ++key) {
        if (bpf_map_lookup_elem(from.fd, &key, row.data()) != 0)
            return fail_errno(errno, "cannot read row {} of {}", key, from.name);
        if (row == zero)
            continue; // as in a new map
        for (std::size_t cpu = 0; cpu < cpus; ++cpu)
            std::memcpy(copy.data() + cpu * newer_size, row.data() + cpu * older_size, common);
        GLB_TRY(update_row(into, key, copy.data()));
    }
    return {};
}

/// No program uses the set of `handles` yet, so that no other class writes to it.
WritableMap new_map(const DatapathHandles &handles, Map map) {
    return {map_ref(handles, map)};
}

/// A map that the older set does not have stays empty.
Status transfer_map(const Pins &from, const DatapathHandles &into, Map map) {
    GLB_ASSIGN(const auto older, open_if_pinned(from.map(map)));
    if (!older)
        return {};
    return copy_rows({older.get(), to_string(map)}, new_map(into, map));
}

Status transfer_maglev_tables(const Pins &from, const DatapathHandles &into) {
    for (std::uint32_t index = 0; index < GLB_MAX_TABLES; ++index) {
        GLB_ASSIGN(const auto table, open_if_pinned(from.table(index)));
        if (!table)
            continue;
        const int fd = table.get();
        GLB_TRY(update_row(new_map(into, Map::maglev), index, &fd));
        GLB_TRY(pin_again(from.table(index), into.pins()->table(index)));
    }
    return {};
}

} // namespace

Status share_maps(const Pins &from, const Pins &into) {
    std::error_code code;
    const bool same_schema = from.schema() == into.schema();
    const fs::directory_iterator pins(from.maps(), code);
    if (code)
        return fail_errno(code.value(), "cannot read the pins in {}", from.maps().string());
    for (const auto &entry : pins) {
        const auto name = entry.path().filename().string();
        if (same_schema ? !is_of_the_table(name) : name == to_string(Map::stamps))
            GLB_TRY(pin_again(entry.path(), into.map(name)));
    }
    if (same_schema)
        for (std::uint32_t index = 0; index < GLB_MAX_TABLES; ++index)
            GLB_TRY(pin_again(from.table(index), into.table(index)));
    return {};
}

Status transfer_config(const Pins &from, const DatapathHandles &into) {
    if (from.schema() == into.pins()->schema())
        return {};
    for (const auto map : config_maps)
        GLB_TRY(transfer_map(from, into, map));
    return transfer_maglev_tables(from, into);
}

Status transfer_counters(const Pins &from, const DatapathHandles &into) {
    if (from.schema() == into.pins()->schema())
        return {};
    for (const auto map : counter_maps)
        GLB_TRY(transfer_map(from, into, map));
    return {};
}

} // namespace glb::datapath
