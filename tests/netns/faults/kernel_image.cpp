#include "tests/netns/faults/kernel_image.h"

#include <cstring>
#include <set>
#include <sstream>
#include <stdexcept>

#include <bpf/bpf.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "abi/config.h"
#include "controller/util/fd.h"
#include "tests/netns/testbed/daemon.h"

namespace glb::test {

namespace {

class Maps {
  public:
    explicit Maps(const std::filesystem::path &bpffs) {
        for (const auto &entry : std::filesystem::directory_iterator(bpffs))
            if (std::filesystem::exists(entry.path() / "maps"))
                folder_ = entry.path() / "maps";
    }

    template <typename Row>
    Row row(const char *map, std::uint32_t key) const {
        const Fd fd(bpf_obj_get((folder_ / map).c_str()));
        Row value{};
        if (!fd || bpf_map_lookup_elem(fd.get(), &key, &value) != 0)
            throw std::runtime_error(fmt::format("row {} of {} cannot be read", key, map));
        return value;
    }

    template <typename Row>
    std::vector<Row> rows(const char *map, std::uint32_t first, std::uint32_t count) const {
        const Fd fd(bpf_obj_get((folder_ / map).c_str()));
        if (!fd)
            throw std::runtime_error(fmt::format("{} is not pinned", map));
        std::vector<Row> all(count);
        for (std::uint32_t i = 0; i < count; ++i) {
            const std::uint32_t key = first + i;
            if (bpf_map_lookup_elem(fd.get(), &key, &all[i]) != 0)
                throw std::runtime_error(fmt::format("row {} of {} cannot be read", key, map));
        }
        return all;
    }

  private:
    std::filesystem::path folder_;
};

template <typename Row>
std::string hex(const Row &row) {
    std::string text;
    const auto *bytes = reinterpret_cast<const unsigned char *>(&row);
    for (std::size_t i = 0; i < sizeof row; ++i)
        text += fmt::format("{:02x}", bytes[i]);
    return text;
}

template <typename Row>
bool is_zero(const Row &row) {
    const Row zero{};
    return std::memcmp(&row, &zero, sizeof row) == 0;
}

/// Rows that are not all zero, with their indexes.
template <typename Row>
std::string list_rows(const char *what, const std::vector<Row> &rows) {
    std::string text;
    for (std::size_t i = 0; i < rows.size(); ++i)
        if (!is_zero(rows[i]))
            text += fmt::format("{} {} {}\n", what, i, hex(rows[i]));
    return text;
}

std::string describe_bank(const Maps &maps, std::uint32_t bank) {
    auto text = fmt::format("node {}\n", hex(maps.row<glb_node>("glb_node", bank)));
    auto ports = maps.rows<glb_logical_port>("glb_logical_ports", bank * GLB_PORT_SLOTS, GLB_PORT_SLOTS);
    for (auto &port : ports)
        port.scope = 0;
    text += list_rows("port", ports);
    text += list_rows("endpoint",
                      maps.rows<glb_endpoint>("glb_endpoints", bank * GLB_MAX_ENDPOINTS, GLB_MAX_ENDPOINTS));
    text +=
        list_rows("endpoint id", maps.rows<glb_endpoint_id>("glb_endpoint_ids", bank * GLB_ENDPOINT_ID_SLOTS,
                                                            GLB_ENDPOINT_ID_SLOTS));
    text +=
        list_rows("target", maps.rows<glb_target>("glb_targets", bank * GLB_MAX_TARGETS, GLB_MAX_TARGETS));
    text +=
        list_rows("sender", maps.rows<glb_sender>("glb_senders", bank * GLB_SENDER_SLOTS, GLB_SENDER_SLOTS));
    return text;
}

/// A group with its table by content, its action and its fallback list.
std::string describe_group(const Maps &maps, std::uint32_t bank, std::uint32_t index) {
    auto row = maps.row<glb_group>("glb_groups", bank * GLB_MAX_GROUPS + index);
    std::uint64_t fingerprint = 0;
    if (row.table < GLB_MAX_TABLES)
        fingerprint = maps.row<std::uint64_t>("glb_maglev_fingerprints", row.table);
    row.table = row.previous_table = row.previous_until = 0;
    return fmt::format(
        "group {} {} table {:x} action {} fallback {}\n", index, hex(row), fingerprint,
        maps.row<std::uint64_t>("glb_group_action", index),
        maps.rows<std::uint64_t>("glb_fallback", index * GLB_FALLBACK_SLOTS, GLB_FALLBACK_SLOTS));
}

} // namespace

std::string kernel_image(const Namespace &node, const std::filesystem::path &bpffs,
                         const std::vector<std::string> &devices) {
    const Maps maps(bpffs);
    const auto bank = maps.row<glb_control>("glb_control", 0).bank & 1;
    auto text = describe_bank(maps, bank);
    const auto names = maps.rows<glb_index_name>("glb_index_names", 0, GLB_INDEX_NAMES);
    for (std::uint32_t i = 0; i < GLB_INDEX_NAMES; ++i) {
        if (names[i].text[0] == 0)
            continue;
        text += fmt::format("name {} {}\n", i, names[i].text);
        if (i >= GLB_INDEX_NAMES_TARGETS)
            text += fmt::format("target state {} {:x}\n", i - GLB_INDEX_NAMES_TARGETS,
                                maps.row<std::uint64_t>("glb_target_state", i - GLB_INDEX_NAMES_TARGETS));
        else if (i >= GLB_INDEX_NAMES_GROUPS)
            text += describe_group(maps, bank, i - GLB_INDEX_NAMES_GROUPS);
        else
            text += fmt::format("endpoint override {} {:x}\n", i,
                                maps.row<std::uint64_t>("glb_endpoint_override", i));
    }
    for (const auto &entry : std::filesystem::recursive_directory_iterator(bpffs))
        if (entry.path().parent_path().filename() != "tables") // slots reserved for later tables
            text += "pin " + std::filesystem::relative(entry.path(), bpffs).string() + '\n';
    return text + kernel_state(node, devices);
}

std::string difference(const std::string &a, const std::string &b) {
    const auto lines = [](const std::string &text) {
        std::set<std::string> all;
        std::istringstream in(text);
        for (std::string line; std::getline(in, line);)
            all.insert(line);
        return all;
    };
    const auto left = lines(a), right = lines(b);
    std::string text;
    for (const auto &line : left)
        if (!right.contains(line))
            text += "- " + line + '\n';
    for (const auto &line : right)
        if (!left.contains(line))
            text += "+ " + line + '\n';
    return text;
}

} // namespace glb::test
