// The key of the steering hash.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "abi/config.h"

namespace glb::plan {

/// Derives the key of the NH steering hash from `node.hashSeed`: the 32-bit words of SHA-256(seed, counter),
/// big-endian, for counter = 0, 1, …. Nodes with equal seeds have equal keys.
[[nodiscard]] std::array<std::uint32_t, GLB_NH_KEYS> steering_key(const std::vector<std::uint8_t> &seed);

} // namespace glb::plan
