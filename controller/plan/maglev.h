// Weighted Maglev: which target owns which slot of a group's steering table.
//
// Source: Eisenbud et al., "Maglev: A Fast and Reliable Software Network Load Balancer",
// NSDI 2016, section 3.4. Weights are ours; maglev.cpp says how they enter.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace glb {

/// Slots of a table; prime, so that every step width visits every slot.
inline constexpr std::uint32_t kMaglevSlots = 65537;

/// The content of a slot that no target owns.
inline constexpr std::uint16_t kMaglevNoTarget = 0xffff;

struct MaglevTarget {
    std::string id;           ///< unique within the group; the only source of the target's preferences
    std::uint32_t weight = 0; ///< share of the slots, relative to the others'; 0 owns none
    std::uint16_t index =
        0; ///< what is written into the slots; below kMaglevNoTarget, no input to the choice

    bool operator==(const MaglevTarget &) const = default;
};

/// kMaglevSlots target indexes.
using MaglevTable = std::vector<std::uint16_t>;

/// Fills the table from ids and weights alone: order of `targets`, indexes and former tables are no input, so
/// equal targets give equal slots on every node, and going back to an earlier set brings back its very table.
///
/// A target owns its exact share of the slots, rounded up or down to a whole one, and at least one slot
/// where its weight is not 0. All slots are kMaglevNoTarget where there is no target with a weight.
///
/// Cost: about (targets x most slots of one target) steps; tens of milliseconds at worst for 1,000 targets.
/// Call it from a worker. At most 65,535 targets, ids distinct.
[[nodiscard]] MaglevTable build_maglev(std::span<const MaglevTarget> targets);

} // namespace glb
