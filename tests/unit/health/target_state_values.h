// Values of glb_target_state that tests expect.
#pragma once

#include <cstdint>

#include "abi/config.h"

namespace glb::test {

inline constexpr std::uint64_t keep_all = GLB_TARGET_KEEP_ESTABLISHED | GLB_TARGET_KEEP_EMBRYONIC;
inline constexpr std::uint64_t accept_all = keep_all | GLB_TARGET_ACCEPT_NEW;

} // namespace glb::test
