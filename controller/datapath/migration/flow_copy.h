// FlowCopy: copies the live flows of one table into another while packets use both. Entries are claimed by
// the data path's own protocol (flow/flow_table.h), compiled natively.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "abi/flow.h"
#include "controller/datapath/flow_table.h"

namespace glb::datapath {

/// The part of a table that all schemas share: the first 48 bytes of a hot line (with its counters) and of a
/// cold one. All lines are read, so that the table's shape is irrelevant.
struct OlderTable {
    std::span<const glb_flow_hot> hot;
    std::span<const glb_flow_cold> cold; ///< as many as `hot`
};

/// A table of this schema.
struct NewerTable {
    std::span<glb_flow_hot> hot;
    std::span<glb_flow_cold> cold; ///< as many as `hot`
};

/// The programs that process packets during a pass: the older table's, which alone changes flows then, or
/// the newer table's on at least one link, whose entries may be more recent.
enum class ActiveProgram : std::uint8_t { older, newer };

class FlowCopy {
  public:
    struct Counts {
        std::uint64_t copied = 0;   ///< flows that the newer table did not have
        std::uint64_t updated = 0;  ///< flows whose state, target or time was more recent in the older table
        std::uint64_t no_place = 0; ///< live flows without a free place
        std::uint64_t evicted = 0;  ///< live entries of the newer table that were evicted
    };

    /// Both tables must outlive it.
    FlowCopy(OlderTable from, NewerTable into, TargetTimeouts timeouts);

    /// One pass over the whole older table, without flows that have expired at `now` (ticks); about 0.1 us
    /// per entry. May be repeated: each pass copies what changed since the last one. If the older program
    /// runs during or after the first pass with ActiveProgram::newer (on some links of an interrupted swap),
    /// what it counts for flows that were copied already is missing.
    Counts pass(std::uint32_t now, ActiveProgram active);

    /// Places of tags in glb_stamps (GLB_STAMPS of them) of flows without an entry, so that their return
    /// packets are still accepted.
    [[nodiscard]] const std::vector<bool> &stamps() const { return stamps_; }

  private:
    friend struct FlowCopyContext;
    void copy_line(std::uint32_t slot, std::uint32_t now, ActiveProgram active, Counts &counts);

    OlderTable from_;
    NewerTable into_;
    TargetTimeouts timeouts_;
    std::vector<bool> stamps_;
};

} // namespace glb::datapath
