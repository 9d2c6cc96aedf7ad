#include "controller/datapath/pin_sets.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <set>

#include <bpf/bpf.h>

namespace glb::datapath {

namespace {

/// The info of the object that is pinned as `pin`; none if there is no such pin.
template <typename Info>
Result<std::optional<Info>> info_of_pin(const std::filesystem::path &pin) {
    GLB_ASSIGN(const auto fd, open_if_pinned(pin));
    if (!fd)
        return std::nullopt;
    Info info{};
    std::uint32_t size = sizeof info;
    if (bpf_obj_get_info_by_fd(fd.get(), &info, &size) != 0)
        return fail_errno(errno, "cannot open the pin {}", pin.string());
    return info;
}

std::set<std::uint32_t> maps_of(int program) {
    std::array<std::uint32_t, 256> ids{};
    bpf_prog_info info{};
    info.nr_map_ids = ids.size();
    info.map_ids = reinterpret_cast<std::uintptr_t>(ids.data());
    std::uint32_t size = sizeof info;
    if (bpf_obj_get_info_by_fd(program, &info, &size) != 0)
        return {};
    return {ids.begin(), ids.begin() + std::min<std::size_t>(info.nr_map_ids, ids.size())};
}

/// The programs of live links, by interface.
Result<std::map<unsigned, std::uint32_t>> linked_programs(const Pins &pins) {
    std::map<unsigned, std::uint32_t> linked;
    GLB_ASSIGN(const auto links, pins.links());
    for (const auto ifindex : links) {
        GLB_ASSIGN(const auto info, info_of_pin<bpf_link_info>(pins.link(ifindex)));
        if (info && info->type == BPF_LINK_TYPE_XDP && info->xdp.ifindex == ifindex)
            linked.emplace(ifindex, info->prog_id);
    }
    return linked;
}

void assign_links(PinSets &found, std::size_t index, const ProgramFds &programs,
                  std::map<unsigned, std::uint32_t> &unassigned) {
    auto &info = found.sets[index].info;
    for (auto at = unassigned.begin(); at != unassigned.end();) {
        const auto program = programs.find(at->second);
        if (program == programs.end()) {
            ++at;
            continue;
        }
        ++info.interfaces;
        const auto maps = maps_of(program->second.get());
        for (const auto &other : found.sets)
            if (other.info.table_id != info.table_id && maps.contains(other.info.table_id))
                info.previous_table_id = other.info.table_id;
        at = unassigned.erase(at);
    }
}

} // namespace

Result<PinSets> find_pin_sets(const std::filesystem::path &bpffs) {
    PinSets found;
    GLB_ASSIGN(auto all, Pins::all(bpffs));
    for (auto &pins : all) {
        PinSet set{pins, {}, {}};
        set.info.schema = pins.schema();
        GLB_ASSIGN(set.metadata, pins.metadata());
        set.info.filled = set.metadata.has_value();
        if (set.metadata)
            set.info.capacity = (set.metadata->shape.bucket_mask + 1) * set.metadata->shape.ways;
        GLB_ASSIGN(const auto table, info_of_pin<bpf_map_info>(pins.map(Map::flows_hot)));
        set.info.table_id = table ? table->id : 0;
        found.sets.push_back(std::move(set));
    }
    std::map<unsigned, std::uint32_t> linked; // program ids by interface
    if (!found.sets.empty()) {
        GLB_ASSIGN(linked, linked_programs(found.sets.front().pins));
    }
    for (std::size_t i = 0; i < found.sets.size(); ++i) {
        GLB_ASSIGN(auto programs, found.sets[i].pins.programs());
        assign_links(found, i, programs, linked);
        found.programs.merge(programs);
    }
    return found;
}

TakeoverPlan plan_takeover(const std::vector<PinSetInfo> &sets, std::uint32_t schema,
                           std::uint32_t capacity) {
    const bool any_linked =
        std::any_of(sets.begin(), sets.end(), [](const PinSetInfo &set) { return set.interfaces > 0; });
    TakeoverPlan plan;
    for (std::size_t i = 0; i < sets.size(); ++i) {
        const auto &set = sets[i];
        const bool fits = set.filled && set.schema == schema && set.capacity == capacity;
        if (fits && (set.interfaces > 0 || !any_linked) &&
            (!plan.active || set.interfaces > sets[*plan.active].interfaces))
            plan.active = i;
    }
    // A source is used by links, or looked up by a program of the active set. If no link exists, the flows
    // of any filled set are migrated.
    const auto previous_table = plan.active ? sets[*plan.active].previous_table_id : 0;
    for (std::size_t i = 0; i < sets.size(); ++i) {
        const auto &set = sets[i];
        if (i == plan.active || !set.filled)
            continue;
        const bool wanted = set.interfaces > 0 || (previous_table && set.table_id == previous_table) ||
                            (!any_linked && !plan.active);
        // Of two sets that links use, the one whose program looks up the other's table has the flows of both.
        if (wanted &&
            (!plan.source || (set.previous_table_id && set.previous_table_id == sets[*plan.source].table_id)))
            plan.source = i;
    }
    for (std::size_t i = 0; i < sets.size(); ++i)
        if (i != plan.active && i != plan.source && sets[i].interfaces == 0)
            plan.discard.push_back(i);
    return plan;
}

} // namespace glb::datapath
