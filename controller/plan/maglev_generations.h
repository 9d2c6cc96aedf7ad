// MaglevGenerations: the current and the previous Maglev table of each group.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "abi/config.h"
#include "controller/plan/maglev.h"
#include "controller/util/result.h"

namespace glb::plan {

/// A value type: a failed change is rolled back by restoring a copy.
class MaglevGenerations {
  public:
    struct Row {
        std::uint32_t table = GLB_NO_TABLE;
        std::uint64_t fingerprint = 0; ///< of the table's content
        std::uint32_t previous = GLB_NO_TABLE;
        std::uint32_t previous_until = 0; ///< tick
    };

    /// Takes over a row of the active bank of a previous daemon.
    void adopt(std::uint16_t group, const glb_group &row, std::uint64_t fingerprint, std::uint32_t now);

    [[nodiscard]] Row row(std::uint16_t group) const;

    /// Starts a new generation of the group. Returns the index of its table, which must be filled before the
    /// bank is written. The current table becomes the previous one for `window` ticks; if a window is
    /// still open, the older table remains the previous one, since its flows need it most. Fails if all
    /// tables are in use.
    [[nodiscard]] Result<std::uint32_t> begin(std::uint16_t group, std::uint64_t fingerprint,
                                              std::uint32_t now, std::uint32_t window);
    void remove(std::uint16_t group);

    /// Closes expired windows; true if there was one.
    bool close_windows(std::uint32_t now);

    /// Frees the tables that begin() replaced. Call this once the bank is written: until then the active bank
    /// refers to them, and a failed change returns to them.
    void release_dropped() { dropped_.clear(); }

    /// True if a group uses the table at `index`, or the active bank may refer to it.
    [[nodiscard]] bool in_use(std::uint32_t index) const;

  private:
    std::map<std::uint16_t, Row> rows_;
    std::set<std::uint32_t> dropped_;
};

/// The last computed table of a group, cached until its targets change.
struct ComputedTable {
    std::vector<MaglevTarget> targets;
    MaglevTable slots;
    std::uint64_t fingerprint = 0;
    std::map<std::uint16_t, std::uint32_t> share; ///< number of slots by target index
};

/// The data path's clock: CLOCK_MONOTONIC in nanoseconds, shifted right by GLB_TICK_SHIFT bits.
[[nodiscard]] std::uint32_t tick_now();

} // namespace glb::plan
