// Words: what the data path is told of a group's targets. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "abi/config.h"
#include "controller/config/manifest.h"
#include "controller/health/group_decision.h"

namespace glb {

struct TargetInput {
    std::uint16_t index = 0;
    std::uint32_t weight = 1;
    TargetState state = TargetState::initial;
    bool has_failed = false; ///< also beneath a drain
    bool is_half_open = false;
    bool group_outage = false; ///< it failed together with its siblings
    std::optional<FailurePolicy> overdue =
        {}; ///< its drain's time is over: what becomes of the flows that are left
};

struct GroupWords {
    std::vector<std::uint64_t> targets; ///< GLB_TARGET_*, one for each member, in their order
    glb_no_target_action none = GLB_NO_TARGET_DROP;
    std::array<std::uint16_t, GLB_FALLBACK_SLOTS> fallback{}; ///< those that take new flows, by weight
    GroupDecision decision;
};

/// The word of a target that takes no flows any more, by what its policy says of those it has.
[[nodiscard]] std::uint64_t final_target_state(FailurePolicy policy);

/// Of an unhealthy target `hold` keeps the established flows with it, `rehash` steers them again, `reset`
/// resets those of TCP. Nobody is reset where no target of the group is left to connect to again, nor for a
/// common cause: then flows stay with their target, for it is hardly the target that failed. What drains or
/// has weight 0 keeps all it has, until its time is over or it fails.
[[nodiscard]] GroupWords decide_group_state(std::span<const TargetInput> members, FailurePolicy on_unhealthy,
                                            AllUnhealthyPolicy on_all_unhealthy, bool ever_healthy);

} // namespace glb
