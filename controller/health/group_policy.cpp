#include "controller/health/group_policy.h"

#include <algorithm>

namespace glb::health {

namespace {

constexpr std::uint64_t keep_all = GLB_TARGET_KEEP_ESTABLISHED | GLB_TARGET_KEEP_EMBRYONIC;

std::uint64_t target_state(const TargetInput &target, bool accepts_new, config::FailurePolicy on_unhealthy,
                           bool group_is_up) {
    if (accepts_new)
        return GLB_TARGET_ACCEPT_NEW | keep_all;
    const bool failed = target.state == TargetState::unhealthy || target.has_failed;
    if (target.overdue &&
        !(failed && *target.overdue == config::FailurePolicy::hold)) // a failed target cannot hold flows
        return final_target_state(*target.overdue);
    if (!failed)
        return keep_all;
    if (target.is_half_open && target.weight != 0)
        return GLB_TARGET_HALF_OPEN | keep_all;
    if (on_unhealthy != config::FailurePolicy::reset)
        return final_target_state(on_unhealthy);
    if (target.group_outage)
        return GLB_TARGET_KEEP_ESTABLISHED;
    return group_is_up ? GLB_TARGET_RESET : 0;
}

glb_no_target_action no_target_action(GroupAction action) {
    switch (action) {
    case GroupAction::no_target_yet:
        return GLB_NO_TARGET_PENDING;
    case GroupAction::bypass:
        return GLB_NO_TARGET_BYPASS;
    default:
        return GLB_NO_TARGET_DROP;
    }
}

/// Smooth weighted round robin: each slot goes to the target that is furthest behind its share.
void fill_fallback(std::span<const TargetInput> members, const std::vector<bool> &accepts_new,
                   std::array<std::uint16_t, GLB_FALLBACK_SLOTS> &fallback) {
    fallback.fill(GLB_NO_TARGET);
    std::int64_t total = 0;
    for (std::size_t i = 0; i < members.size(); ++i)
        total += accepts_new[i] ? members[i].weight : 0;
    if (total == 0)
        return;
    std::vector<std::int64_t> credit(members.size(), 0);
    for (auto &slot : fallback) {
        std::size_t best = members.size();
        for (std::size_t i = 0; i < members.size(); ++i) {
            if (!accepts_new[i])
                continue;
            credit[i] += members[i].weight;
            if (best == members.size() || credit[i] > credit[best])
                best = i;
        }
        credit[best] -= total;
        slot = members[best].index;
    }
}

} // namespace

std::uint64_t final_target_state(config::FailurePolicy policy) {
    switch (policy) {
    case config::FailurePolicy::hold:
        return GLB_TARGET_KEEP_ESTABLISHED;
    case config::FailurePolicy::reset:
        return GLB_TARGET_RESET;
    case config::FailurePolicy::rehash:
        break;
    }
    return 0;
}

GroupState decide_group_state(std::span<const TargetInput> targets, config::FailurePolicy on_unhealthy,
                              config::AllUnhealthyPolicy on_all_unhealthy, bool ever_healthy) {
    std::vector<GroupMember> members;
    for (const auto &target : targets)
        members.push_back({target.state, target.weight});
    GroupState state;
    state.decision = decide_group(members, on_all_unhealthy, ever_healthy);
    state.no_target = no_target_action(state.decision.action);
    const auto &accepts_new = state.decision.accepts_new;
    const bool group_is_up = state.decision.action == GroupAction::steer;
    for (std::size_t i = 0; i < targets.size(); ++i)
        state.targets.push_back(target_state(targets[i], accepts_new[i], on_unhealthy, group_is_up));
    fill_fallback(targets, accepts_new, state.fallback);
    return state;
}

} // namespace glb::health
