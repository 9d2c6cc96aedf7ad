// Target state, group action and fallback list of a group, as the data path reads them (abi/config.h). Pure.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "abi/config.h"
#include "controller/config/policies.h"
#include "controller/health/group_decision.h"

namespace glb::health {

struct TargetInput {
    std::uint16_t index = 0;
    std::uint32_t weight = 1;
    TargetState state = TargetState::initial;
    bool has_failed = false; ///< also beneath a drain
    bool is_half_open = false;
    bool group_outage = false; ///< it failed together with its siblings
    std::optional<config::FailurePolicy> overdue =
        {}; ///< set: its drain has expired; policy for its remaining flows
};

struct GroupState {
    std::vector<std::uint64_t> targets; ///< GLB_TARGET_*, one for each input, in their order
    glb_no_target_action no_target = GLB_NO_TARGET_DROP;
    std::array<std::uint16_t, GLB_FALLBACK_SLOTS> fallback{}; ///< targets that accept new flows, by weight
    GroupDecision decision;
};

/// The state of a target that accepts no flows, by the policy for the flows that it still owns.
[[nodiscard]] std::uint64_t final_target_state(config::FailurePolicy policy);

/// Unhealthy targets: `hold` keeps their established flows, `rehash` steers them again, `reset` resets those
/// of TCP. No flow is reset if the group has no other target to connect to, nor in a group-wide outage:
/// the targets are probably not at fault, so flows stay with them. A target that drains or has weight 0 keeps
/// all its flows until its drain expires or it fails.
[[nodiscard]] GroupState decide_group_state(std::span<const TargetInput> targets,
                                            config::FailurePolicy on_unhealthy,
                                            config::AllUnhealthyPolicy on_all_unhealthy, bool ever_healthy);

} // namespace glb::health
