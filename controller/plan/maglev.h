// Weighted Maglev: the steering table of a target group.
//
// Source: Eisenbud et al., "Maglev: A Fast and Reliable Software Network Load Balancer", NSDI 2016,
// section 3.4. The weighting is an extension, described in maglev.cpp.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace glb::plan {

/// Slots per table; prime, so that a walk with any step visits every slot.
inline constexpr std::uint32_t maglev_slots = 65537;

/// The value of a slot without a target.
inline constexpr std::uint16_t maglev_no_target = 0xffff;

struct MaglevTarget {
    std::string id;           ///< unique within the group; alone determines the target's preferences
    std::uint32_t weight = 0; ///< relative share of the slots; 0: none
    std::uint16_t index = 0;  ///< value of its slots, below maglev_no_target; does not influence the choice

    bool operator==(const MaglevTarget &) const = default;
};

/// One target index per slot.
using MaglevTable = std::vector<std::uint16_t>;

/// Builds the table from ids and weights only. The order of `targets`, their indexes and previous tables have
/// no influence, so equal sets of targets give equal slots on every node and at any time.
///
/// A target owns its exact share of the slots, rounded up or down, and at least one slot if its weight is not
/// 0. All slots are maglev_no_target if no target has a weight.
///
/// Cost: about (targets x slots of the heaviest target) steps; at worst tens of milliseconds for 1,000
/// targets. Call it from a worker thread. At most 65,535 targets with distinct ids.
[[nodiscard]] MaglevTable build_maglev(std::span<const MaglevTarget> targets);

/// Identifies the content of a table; never 0.
[[nodiscard]] std::uint64_t maglev_fingerprint(std::span<const std::uint16_t> slots);

} // namespace glb::plan
