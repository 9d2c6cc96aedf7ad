// Sets of pinned maps: which of them the links use, and what a starting daemon does with each.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "controller/datapath/pins.h"

namespace glb::datapath {

/// What the decision about a set depends on.
struct PinSetInfo {
    std::uint32_t schema = 0;
    bool filled = false;        ///< its maps were filled completely once
    std::uint32_t capacity = 0; ///< of its flow table
    std::uint32_t table_id = 0; ///< map id of its flow table
    unsigned interfaces = 0;    ///< number of links whose program is of this set
    std::uint32_t previous_table_id =
        0; ///< map id of the older flow table that such a program looks up; 0: none
};

struct PinSet {
    Pins pins;
    PinSetInfo info;
    std::optional<glb_metadata> metadata;
};

struct PinSets {
    std::vector<PinSet> sets;
    ProgramFds programs; ///< of all sets
};

[[nodiscard]] Result<PinSets> find_pin_sets(const std::filesystem::path &bpffs);

/// As indexes into the sets. With neither `active` nor `source` the daemon starts with new maps.
struct TakeoverPlan {
    std::optional<std::size_t> active; ///< of this schema and capacity: continue with it
    std::optional<std::size_t> source; ///< whose flows are migrated, into `active` or into a new set
    std::vector<std::size_t> discard;  ///< unused: incomplete, or replaced
};

/// Depends on what the links use. A set that they use is never discarded. An interrupted migration is
/// finished if links use a set of this schema already, and restarted if they do not.
[[nodiscard]] TakeoverPlan plan_takeover(const std::vector<PinSetInfo> &sets, std::uint32_t schema,
                                         std::uint32_t capacity);

} // namespace glb::datapath
