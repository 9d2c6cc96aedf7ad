#include "controller/health/group_policy.h"

#include <algorithm>

namespace glb {

namespace {

constexpr std::uint64_t keeps_all = GLB_TARGET_KEEP_ESTABLISHED | GLB_TARGET_KEEP_EMBRYONIC;

std::uint64_t word_of(const TargetInput &member, bool takes_new, FailurePolicy on_unhealthy,
                      bool group_is_up) {
    if (takes_new)
        return GLB_TARGET_ACCEPT_NEW | keeps_all;
    const bool failed = member.state == TargetState::unhealthy || member.has_failed;
    if (member.overdue && !(failed && *member.overdue == FailurePolicy::hold)) // who is dead holds nothing
        return final_target_state(*member.overdue);
    if (!failed)
        return keeps_all;
    if (member.is_half_open && member.weight != 0)
        return GLB_TARGET_HALF_OPEN | keeps_all;
    if (on_unhealthy != FailurePolicy::reset)
        return final_target_state(on_unhealthy);
    if (member.group_outage)
        return GLB_TARGET_KEEP_ESTABLISHED;
    return group_is_up ? GLB_TARGET_RESET : 0;
}

glb_no_target_action none_action(GroupAction action) {
    switch (action) {
    case GroupAction::no_target_yet:
        return GLB_NO_TARGET_PENDING;
    case GroupAction::bypass:
        return GLB_NO_TARGET_BYPASS;
    default:
        return GLB_NO_TARGET_DROP;
    }
}

/// Each place goes to the target that is furthest behind its share, so equal weights take turns.
void fill_fallback(std::span<const TargetInput> members, const std::vector<bool> &takes_new,
                   std::array<std::uint16_t, GLB_FALLBACK_SLOTS> &fallback) {
    fallback.fill(GLB_NO_TARGET);
    std::int64_t total = 0;
    for (std::size_t i = 0; i < members.size(); ++i)
        total += takes_new[i] ? members[i].weight : 0;
    if (total == 0)
        return;
    std::vector<std::int64_t> credit(members.size(), 0);
    for (auto &place : fallback) {
        std::size_t best = members.size();
        for (std::size_t i = 0; i < members.size(); ++i) {
            if (!takes_new[i])
                continue;
            credit[i] += members[i].weight;
            if (best == members.size() || credit[i] > credit[best])
                best = i;
        }
        credit[best] -= total;
        place = members[best].index;
    }
}

} // namespace

std::uint64_t final_target_state(FailurePolicy policy) {
    switch (policy) {
    case FailurePolicy::hold:
        return GLB_TARGET_KEEP_ESTABLISHED;
    case FailurePolicy::reset:
        return GLB_TARGET_RESET;
    case FailurePolicy::rehash:
        break;
    }
    return 0;
}

GroupWords decide_group_state(std::span<const TargetInput> members, FailurePolicy on_unhealthy,
                              AllUnhealthyPolicy on_all_unhealthy, bool ever_healthy) {
    std::vector<GroupMember> health;
    for (const auto &member : members)
        health.push_back({member.state, member.weight});
    GroupWords words;
    words.decision = decide_group(health, on_all_unhealthy, ever_healthy);
    words.none = none_action(words.decision.action);
    const bool group_is_up = words.decision.action == GroupAction::steer;
    for (std::size_t i = 0; i < members.size(); ++i)
        words.targets.push_back(
            word_of(members[i], words.decision.takes_new_flows[i], on_unhealthy, group_is_up));
    fill_fallback(members, words.decision.takes_new_flows, words.fallback);
    return words;
}

} // namespace glb
