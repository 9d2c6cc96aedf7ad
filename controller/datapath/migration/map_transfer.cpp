#include "controller/datapath/migration/map_transfer.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <set>

#include "controller/datapath/map_io.h"
#include "controller/util/fd.h"

namespace glb::datapath {

namespace {

namespace fs = std::filesystem;

const std::set<std::string> own_of_a_table = {"glb_flows_hot", "glb_flows_cold", "glb_metadata"};
constexpr const char *rows[] = {"glb_control",      "glb_groups",
                                "glb_targets",      "glb_target_state",
                                "glb_group_action", "glb_endpoint_override",
                                "glb_index_names",  "glb_maglev_fingerprints"};
constexpr const char *counts[] = {"glb_drops", "glb_counters", "glb_endpoint_counts", "glb_target_counts"};

Result<bpf_map_info> info_of(int fd, const char *what) {
    bpf_map_info info{};
    std::uint32_t size = sizeof info;
    if (bpf_obj_get_info_by_fd(fd, &info, &size) != 0)
        return fail_errno(errno, "cannot look at {}", what);
    return info;
}

bool is_per_cpu(const bpf_map_info &info) {
    return info.type == BPF_MAP_TYPE_PERCPU_ARRAY;
}

Status pin_again(const fs::path &from, const fs::path &into) {
    const Fd fd(bpf_obj_get(from.c_str()));
    if (!fd)
        return fail_errno(errno, "cannot open the pin {}", from.string());
    if (bpf_obj_pin(fd.get(), into.c_str()) != 0 && errno != EEXIST)
        return fail_errno(errno, "cannot pin {}", into.string());
    return {};
}

/// One map by name, from set to set; a map that the older one does not have stays empty.
Status carry_map(const Pins &from, Program &program, const char *name) {
    const Fd older(bpf_obj_get(from.map(name).c_str()));
    if (!older)
        return {};
    return copy_rows(older.get(), program.map_fd(name), name);
}

Status carry_tables(const Pins &from, const Pins &into, Program &program) {
    for (std::uint32_t index = 0; index < GLB_MAX_TABLES; ++index) {
        const Fd table(bpf_obj_get(from.table(index).c_str()));
        if (!table)
            continue;
        const int fd = table.get();
        GLB_TRY(update_row(program.map_fd("glb_maglev"), index, &fd, "glb_maglev"));
        GLB_TRY(pin_again(from.table(index), into.table(index)));
    }
    return {};
}

} // namespace

Status share_maps(const Pins &from, const Pins &into) {
    std::error_code code;
    const bool all = from.schema() == into.schema();
    for (const auto &entry : fs::directory_iterator(from.map(""), code)) {
        const auto name = entry.path().filename().string();
        if (all ? !own_of_a_table.contains(name) : name == "glb_stamps")
            GLB_TRY(pin_again(entry.path(), into.map(name)));
    }
    if (all)
        for (std::uint32_t index = 0; index < GLB_MAX_TABLES; ++index)
            if (fs::exists(from.table(index), code))
                GLB_TRY(pin_again(from.table(index), into.table(index)));
    return {};
}

Status copy_rows(int from, int into, const char *what) {
    GLB_ASSIGN(const auto older, info_of(from, what));
    GLB_ASSIGN(const auto newer, info_of(into, what));
    if (is_per_cpu(older) != is_per_cpu(newer))
        return {}; // counted in another way: nothing that could be carried
    const auto cpus =
        is_per_cpu(older) ? static_cast<std::size_t>(std::max(1, libbpf_num_possible_cpus())) : 1;
    // The kernel gives each CPU's value a place of a multiple of eight bytes.
    const auto older_size = (older.value_size + 7) / 8 * 8, newer_size = (newer.value_size + 7) / 8 * 8;
    std::vector<std::byte> row(older_size * cpus), copy(newer_size * cpus);
    const std::vector<std::byte> zero(row.size());
    const auto common = std::min(older.value_size, newer.value_size);
    for (std::uint32_t key = 0; key < std::min(older.max_entries, newer.max_entries); ++key) {
        if (bpf_map_lookup_elem(from, &key, row.data()) != 0)
            return fail_errno(errno, "cannot read row {} of {}", key, what);
        if (row == zero)
            continue; // a new map is all zeros
        for (std::size_t cpu = 0; cpu < cpus; ++cpu)
            std::memcpy(copy.data() + cpu * newer_size, row.data() + cpu * older_size, common);
        if (bpf_map_update_elem(into, &key, copy.data(), BPF_ANY) != 0)
            return fail_errno(errno, "cannot write row {} of {}", key, what);
    }
    return {};
}

Status carry_rows(const Pins &from, const Pins &into, Program &program) {
    if (from.schema() == into.schema())
        return {};
    for (const auto *name : rows)
        GLB_TRY(carry_map(from, program, name));
    return carry_tables(from, into, program);
}

Status carry_counts(const Pins &from, const Pins &into, Program &program) {
    if (from.schema() == into.schema())
        return {};
    for (const auto *name : counts)
        GLB_TRY(carry_map(from, program, name));
    return {};
}

} // namespace glb::datapath
