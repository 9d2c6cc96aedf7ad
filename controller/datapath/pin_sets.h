// Sets of pinned maps: which one the links hold, and what a daemon that starts has to do about the others.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "controller/datapath/pins.h"

namespace glb::datapath {

/// What decides about a set.
struct PinSetInfo {
    std::uint32_t schema = 0;
    bool filled = false;        ///< its maps were filled whole at some time
    std::uint32_t capacity = 0; ///< of its flow table
    std::uint32_t table_id = 0; ///< its flow table's map id
    unsigned interfaces = 0;    ///< whose links hold a program of this set
    std::uint32_t previous_table_id =
        0; ///< the map id of the older flow table that such a program looks into; 0: none
};

struct PinSet {
    Pins pins;
    PinSetInfo facts;
    std::optional<glb_metadata> kept;
};

struct PinSets {
    std::vector<PinSet> sets;
    ProgramFds programs;                  ///< of all of them
    std::vector<unsigned> orphaned_links; ///< interfaces whose live link holds a program of none
};

[[nodiscard]] Result<PinSets> find_pin_sets(const std::filesystem::path &bpffs);

/// What to do, as indexes into the sets. Neither `own` nor `source`: begin afresh.
struct TakeoverPlan {
    std::optional<std::size_t> own;    ///< of this schema and capacity, and in force, in part at least
    std::optional<std::size_t> source; ///< whose flows must be taken over, into `own` or into a new set
    std::vector<std::size_t> discard;  ///< that nothing holds: half made, or done with
};

/// By what the links hold. A set that they hold is never discarded; a move that was cut short is finished
/// where this schema's set is held already, and begun again where it is not.
[[nodiscard]] TakeoverPlan plan_takeover(const std::vector<PinSetInfo> &sets, std::uint32_t schema,
                                         std::uint32_t capacity);

} // namespace glb::datapath
