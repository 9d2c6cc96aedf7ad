#include "controller/health/target_state_shadow.h"

#include <algorithm>
#include <set>
#include <utility>

#include "controller/util/first_failure.h"

namespace glb::health {

Status TargetStateShadow::write_target(TargetStatePort &port, std::uint16_t index, std::uint64_t state) {
    const auto known = targets_.find(index);
    if (known != targets_.end() && known->second == state)
        return {};
    GLB_TRY(port.set_target_state(index, state));
    targets_[index] = state;
    final_states_.erase(index); // the index has been reused
    return {};
}

/// The fallback list is written before the action, since an action that steers uses it.
Status TargetStateShadow::write_group(TargetStatePort &port, const GroupStateRow &row) {
    auto &known = groups_[row.group_index];
    if (!known.has_fallback || known.fallback != row.state.fallback) {
        GLB_TRY(port.set_fallback(row.group_index, row.state.fallback));
        known.fallback = row.state.fallback;
        known.has_fallback = true;
    }
    if (known.action != row.state.no_target) {
        GLB_TRY(port.set_group_action(row.group_index, row.state.no_target));
        known.action = row.state.no_target;
    }
    return {};
}

Status TargetStateShadow::write_new(TargetStatePort &port, std::span<const GroupStateRow> rows) {
    for (const auto &row : rows) {
        for (std::size_t i = 0; i < row.indexes.size(); ++i)
            if (!targets_.contains(row.indexes[i]))
                GLB_TRY(write_target(port, row.indexes[i], row.state.targets[i]));
        const auto group = groups_.find(row.group_index);
        if (group == groups_.end() || !group->second.action)
            GLB_TRY(write_group(port, row));
    }
    return {};
}

Status TargetStateShadow::write_all(TargetStatePort &port, std::span<const GroupStateRow> rows) {
    Status first;
    for (const auto &row : rows) {
        for (std::size_t i = 0; i < row.indexes.size(); ++i)
            record_failure(first, write_target(port, row.indexes[i], row.state.targets[i]));
        record_failure(first, write_group(port, row));
    }
    std::erase_if(final_states_, [&](const auto &row) {
        auto done = port.set_target_state(row.first, row.second);
        const bool written = done.has_value();
        record_failure(first, std::move(done));
        return written;
    });
    return first;
}

void TargetStateShadow::set_final(const RemovedTarget &removed) {
    targets_.erase(removed.index);
    final_states_[removed.index] = removed.state;
}

void TargetStateShadow::clear() {
    targets_.clear();
    groups_.clear();
    final_states_.clear();
}

void TargetStateShadow::retain(std::span<const GroupStateRow> rows) {
    std::erase_if(groups_, [&](const auto &group) {
        return std::ranges::none_of(rows, [&](const auto &row) { return row.group_index == group.first; });
    });
    std::set<std::uint16_t> named;
    for (const auto &row : rows)
        named.insert(row.indexes.begin(), row.indexes.end());
    std::erase_if(targets_, [&](const auto &target) { return !named.contains(target.first); });
}

} // namespace glb::health
