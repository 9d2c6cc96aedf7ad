// Which targets of a group accept new flows, and what happens to new flows if none does.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "controller/config/policies.h"
#include "controller/health/target_health.h"

namespace glb::health {

/// Healthy or unavailable (checks disabled).
[[nodiscard]] bool is_alive(TargetState state);

struct GroupMember {
    TargetState state = TargetState::initial;
    std::uint32_t weight = 1;
};

enum class GroupAction : std::uint8_t {
    steer,         ///< to the marked targets, all of which are alive
    spread,        ///< to the marked targets, none of which is known to be alive
    bypass,        ///< forward uninspected: the group is down, and its policy is bypass
    drop,          ///< the group is down
    no_target_yet, ///< drop: no target has been checked yet
    no_target,     ///< drop: there is no target, or all are draining or have weight 0
};

[[nodiscard]] std::string_view to_string(GroupAction action);

struct GroupDecision {
    GroupAction action = GroupAction::no_target;
    std::vector<bool> accepts_new; ///< for each member; all false unless steer or spread

    bool operator==(const GroupDecision &) const = default;
};

/// Members that drain or have weight 0 accept no new flows and do not count: a group without other members
/// drops, also if the policy is bypass, since the policy is for failures.
///
/// If any other member is alive, the alive members accept the new flows. Otherwise:
/// - With `ever_healthy` (a member of this group was alive once), initial members do not count beside unhealthy
///   ones. A target that is added to a group that is down does not change its action before its first result.
/// - Otherwise a group with initial members is not down: spread includes them, drop and bypass result in
///   no_target_yet until each has failed its checks.
/// - A group whose members are all initial is never down.
[[nodiscard]] GroupDecision decide_group(std::span<const GroupMember> members,
                                         config::AllUnhealthyPolicy policy, bool ever_healthy);

} // namespace glb::health
