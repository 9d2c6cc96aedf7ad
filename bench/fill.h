// Simulated insertion into set-associative tables: the slot of each flow, and flows without a slot.
#pragma once

#include <cstdint>
#include <vector>

namespace glb::bench {

struct Shape {
    unsigned ways = 8;    ///< 4 or 8
    unsigned buckets = 2; ///< per flow, 1 or 2
    bool home = true;     ///< insert and search start at a way given by the tag, else at way 0
};

struct Filled {
    std::vector<std::uint32_t> slots; ///< of flow i, or no_slot
    std::uint64_t lost = 0;           ///< flows without a slot
    double lines = 0;                 ///< mean number of entries that a search reads until the hit
    double first = 0;                 ///< share of hits in the first entry
};

inline constexpr std::uint32_t no_slot = 0xffffffff;

/// Puts flows 0 .. `flows`-1 (tags by bench_tag_of the generator's addresses) into an empty table of
/// `entries` slots, each at the first free one in search order.
[[nodiscard]] Filled fill(const Shape &shape, std::uint32_t entries, std::uint32_t flows);

/// The tag of flow `index` as the programs compute it from the generator's packet.
[[nodiscard]] std::uint64_t tag_of_flow(std::uint32_t index);

} // namespace glb::bench
