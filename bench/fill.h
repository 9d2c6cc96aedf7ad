// Filling set-associative tables: which flow gets which place, and how many get none.
#pragma once

#include <cstdint>
#include <vector>

namespace glb::bench {

struct Shape {
    unsigned ways = 8;    ///< 4 or 8
    unsigned buckets = 2; ///< 1 or 2: where a flow may lie
    bool home = true;     ///< insert and search begin at a way that the tag names, else at way 0
};

struct Filled {
    std::vector<std::uint32_t> slots; ///< of flow i, or no_place
    std::uint64_t lost = 0;           ///< flows without a place
    double lines = 0;                 ///< entries that a walk reads until the hit, in the mean
    double first = 0;                 ///< share of hits in the first entry read
};

inline constexpr std::uint32_t no_place = 0xffffffff;

/// Puts flows 0 .. `flows`-1 (tags by bench_tag_of the generator's addresses) into an empty table of
/// `entries` places, each at the first free place of its own, in the order in which a search tries them.
[[nodiscard]] Filled fill(const Shape &shape, std::uint32_t entries, std::uint32_t flows);

/// The tag of flow `index` as the programs compute it from the generator's packet.
[[nodiscard]] std::uint64_t tag_of_flow(std::uint32_t index);

} // namespace glb::bench
