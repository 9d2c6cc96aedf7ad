#include "controller/health/group_decision.h"

#include <algorithm>

namespace glb::health {

bool is_alive(TargetState state) {
    return state == TargetState::healthy || state == TargetState::unavailable;
}

namespace {

bool is_eligible(const GroupMember &member) {
    return member.weight != 0 && member.state != TargetState::draining;
}

bool accepts_new(const GroupMember &member) {
    return is_eligible(member) && is_alive(member.state);
}

bool has_failed(const GroupMember &member) {
    return is_eligible(member) && member.state == TargetState::unhealthy;
}

// Initial, or unused until now.
bool is_unchecked(const GroupMember &member) {
    return is_eligible(member) && !accepts_new(member) && !has_failed(member);
}

template <typename Predicate>
GroupDecision send_to(std::span<const GroupMember> members, GroupAction action, Predicate chosen) {
    GroupDecision decision{action, std::vector<bool>(members.size(), false)};
    std::transform(members.begin(), members.end(), decision.accepts_new.begin(), chosen);
    return decision;
}

GroupDecision send_to_none(std::span<const GroupMember> members, GroupAction action) {
    return send_to(members, action, [](const GroupMember &) { return false; });
}

} // namespace

std::string_view to_string(GroupAction action) {
    switch (action) {
    case GroupAction::steer:
        return "steer";
    case GroupAction::spread:
        return "spread";
    case GroupAction::bypass:
        return "bypass";
    case GroupAction::drop:
        return "drop";
    case GroupAction::no_target_yet:
        return "no_target_yet";
    case GroupAction::no_target:
        return "no_target";
    }
    return "";
}

GroupDecision decide_group(std::span<const GroupMember> members, config::AllUnhealthyPolicy policy,
                           bool ever_healthy) {
    if (std::none_of(members.begin(), members.end(), is_eligible))
        return send_to_none(members, GroupAction::no_target);
    if (std::any_of(members.begin(), members.end(), accepts_new))
        return send_to(members, GroupAction::steer, accepts_new);

    const bool any_failed = std::any_of(members.begin(), members.end(), has_failed);
    const bool any_unchecked = std::any_of(members.begin(), members.end(), is_unchecked);
    const bool unchecked_count = any_unchecked && !(ever_healthy && any_failed);

    switch (policy) {
    case config::AllUnhealthyPolicy::spread:
        return unchecked_count ? send_to(members, GroupAction::spread, is_eligible)
                               : send_to(members, GroupAction::spread, has_failed);
    case config::AllUnhealthyPolicy::bypass:
        return send_to_none(members, unchecked_count ? GroupAction::no_target_yet : GroupAction::bypass);
    case config::AllUnhealthyPolicy::drop:
        break;
    }
    return send_to_none(members, unchecked_count ? GroupAction::no_target_yet : GroupAction::drop);
}

} // namespace glb::health
