// HashSeed: seed of the flow hash.
#pragma once

#include <cstdint>
#include <vector>

namespace glb::state {

/// 8 to 32 bytes: node.hashSeed of the manifest, else 16 random ones, generated at the first start.
using HashSeed = std::vector<std::uint8_t>;

} // namespace glb::state
