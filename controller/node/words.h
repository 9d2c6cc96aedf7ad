// Words: what the data path is told of a group's targets. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "abi/config.h"
#include "controller/config/manifest.h"
#include "controller/health/group_decision.h"

namespace glb {

struct WordMember {
    std::uint16_t index = 0;
    std::uint32_t weight = 1;
    TargetState state = TargetState::initial;
};

struct GroupWords {
    std::vector<std::uint64_t> targets; ///< GLB_TARGET_*, one for each member, in their order
    glb_none_action none = GLB_NONE_DROP;
    std::array<std::uint16_t, GLB_FALLBACK_SLOTS> fallback{}; ///< those that take new flows, by weight
    GroupDecision decision;
};

/// `hold` keeps the established flows of an unhealthy target with it, `rehash` steers them again; what drains or
/// has weight 0 keeps all it has. `reset` is as `rehash` here.
[[nodiscard]] GroupWords decide_words(std::span<const WordMember> members, FailurePolicy on_unhealthy,
                                      AllUnhealthyPolicy on_all_unhealthy, bool ever_healthy);

} // namespace glb
