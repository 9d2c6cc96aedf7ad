// Distance between the tested steps of a change or a start.
#pragma once

#include <cstdint>

#include "tests/netns/testbed/scenario.h"

namespace glb::test {

/// `reduced`, or `full` with GLB_DRILL=full. unit_control covers every operation with fakes; a few against the
/// kernel show that the fakes are right.
inline std::uint32_t step_distance(std::uint32_t reduced, std::uint32_t full) {
    return full_scale() ? full : reduced;
}

} // namespace glb::test
