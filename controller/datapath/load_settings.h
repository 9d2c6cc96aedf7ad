// LoadSettings: constants of one load of the XDP program.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

#include "abi/config.h"

namespace glb::datapath {

/// Key and capacity belong to the flow table: a program that uses an existing table needs the same values.
struct LoadSettings {
    std::uint32_t capacity = 1u << 20; ///< flow table entries, a power of two within the ABI's limits
    std::array<std::uint32_t, GLB_NH_KEYS> table_key{};
    std::uint32_t punt_magic = 0; ///< not 0
};

/// The capacity for a requested number of entries: the next power of two within the limits.
[[nodiscard]] constexpr std::uint32_t round_capacity(std::uint64_t entries) {
    const auto bounded = std::clamp<std::uint64_t>(entries, GLB_FLOW_MIN_CAPACITY, GLB_FLOW_MAX_CAPACITY);
    return static_cast<std::uint32_t>(std::bit_ceil(bounded));
}

} // namespace glb::datapath
