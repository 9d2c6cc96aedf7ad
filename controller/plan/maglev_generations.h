// MaglevGenerations: which Maglev tables of glb_maglev the groups use now, and used in the epoch before.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "abi/config.h"
#include "controller/plan/maglev.h"
#include "controller/util/result.h"

namespace glb {

/// A value: a change that fails is undone by putting the old book back.
class MaglevGenerations {
  public:
    struct Row {
        std::uint32_t table = GLB_NO_TABLE;
        std::uint64_t print = 0; ///< fingerprint of its content
        std::uint32_t previous = GLB_NO_TABLE;
        std::uint32_t previous_until = 0; ///< tick
    };

    /// What an earlier daemon left in the active bank.
    void adopt(std::uint16_t group, const glb_group &row, std::uint64_t print, std::uint32_t now);

    [[nodiscard]] Row row(std::uint16_t group) const;

    /// A new epoch of the group: the place for its new table, to be filled before the bank is written. The
    /// table so far stays as the previous one until `window` ticks have passed; where a window is still open,
    /// the older table stays instead: its flows are the ones that need it most.
    [[nodiscard]] Result<std::uint32_t> begin(std::uint16_t group, std::uint64_t print, std::uint32_t now,
                                              std::uint32_t window);
    void remove(std::uint16_t group);

    /// Ends windows whose time has come; true where there was one.
    bool close_windows(std::uint32_t now);

    /// The bank is written: what `begin` took out of use is free from now on. Until then the bank in force
    /// still names those tables, and a change that fails goes back to them.
    void settle() { dropped_.clear(); }

    /// Whether some group uses the table at `index`, or the bank in force may.
    [[nodiscard]] bool in_use(std::uint32_t index) const;

  private:
    std::map<std::uint16_t, Row> rows_;
    std::set<std::uint32_t> dropped_;
};

/// The table of a group as last computed: anew only when its targets change, not each second.
struct ComputedTable {
    std::vector<MaglevTarget> targets;
    MaglevTable slots;
    std::uint64_t print = 0;
    std::map<std::uint16_t, std::uint32_t> share; ///< slots of each target
};

/// The data path's clock: GLB_TICK_SHIFT bits of CLOCK_MONOTONIC's nanoseconds left away.
[[nodiscard]] std::uint32_t tick_now();

} // namespace glb
