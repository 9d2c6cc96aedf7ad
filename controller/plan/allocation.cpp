#include "controller/plan/allocation.h"

#include <algorithm>
#include <utility>

namespace glb::plan {

namespace {

template <typename Named>
void retire_missing(IndexAllocator &indexes, IndexKind kind, const std::vector<Named> &before,
                    const std::vector<Named> &after) {
    for (const auto &one : before)
        if (std::none_of(after.begin(), after.end(),
                         [&](const Named &other) { return other.name == one.name; }))
            indexes.retire(kind, one.name);
}

std::shared_ptr<const ComputedTable> compute_table(std::vector<MaglevTarget> targets) {
    auto table = std::make_shared<ComputedTable>();
    table->slots = build_maglev(targets);
    table->fingerprint = maglev_fingerprint(table->slots);
    std::vector<std::uint32_t> counts(std::size_t{maglev_no_target} + 1);
    for (const auto target : table->slots)
        ++counts[target];
    for (const auto &target : targets)
        table->share[target.index] = counts[target.index];
    table->targets = std::move(targets);
    return table;
}

} // namespace

Status claim_indexes(IndexAllocator &indexes, const config::Manifest &manifest,
                     const config::Manifest *previous) {
    for (const auto &group : manifest.target_groups) {
        GLB_TRY(indexes.claim(IndexKind::group, group.name));
        for (const auto &target : group.targets)
            GLB_TRY(indexes.claim_target(group.name, target.id, address_text(target.address, target.port)));
    }
    for (const auto &endpoint : manifest.endpoints)
        GLB_TRY(indexes.claim(IndexKind::endpoint, endpoint.name));
    if (previous) {
        retire_missing(indexes, IndexKind::group, previous->target_groups, manifest.target_groups);
        retire_missing(indexes, IndexKind::endpoint, previous->endpoints, manifest.endpoints);
    }
    return {};
}

Result<std::vector<MaglevWrite>> plan_maglev(Allocation &allocation, const config::Manifest &manifest,
                                             std::uint32_t now) {
    std::vector<MaglevWrite> writes;
    const auto before = std::exchange(allocation.tables, {});
    allocation.generations.close_windows(now);
    for (const auto &group : manifest.target_groups) {
        const auto index = *allocation.indexes.find(IndexKind::group, group.name);
        std::vector<MaglevTarget> targets;
        for (const auto &target : group.targets)
            targets.push_back(
                {target.id, target.weight,
                 *allocation.indexes.find(IndexKind::target, target_name(group.name, target.id))});
        const auto cached = before.find(index);
        const auto &table = allocation.tables[index] =
            cached != before.end() && cached->second->targets == targets ? cached->second
                                                                         : compute_table(std::move(targets));
        if (allocation.generations.row(index).fingerprint == table->fingerprint)
            continue;
        const auto window = std::max({group.idle_tcp, group.idle_other, group.deregistration_delay});
        GLB_ASSIGN(const auto place, allocation.generations.begin(index, table->fingerprint, now,
                                                                  static_cast<std::uint32_t>(window.count()) *
                                                                      GLB_TICKS_PER_SECOND));
        writes.push_back({place, table});
    }
    return writes;
}

} // namespace glb::plan
