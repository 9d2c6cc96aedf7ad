// FlowCopy: the live flows of one table entered into another, while packets use both. The entries are claimed
// by the very protocol of the data path (flow/flow_table.h), compiled natively.
#pragma once

#include <cstdint>
#include <vector>

#include "abi/flow.h"
#include "controller/datapath/flow_table.h"

namespace glb {

/// A table as far as every schema keeps it: the first 48 bytes of a hot line (its counters included) and of a
/// cold one. Its shape does not matter: all of it is read.
struct OlderTable {
    const glb_flow_hot *hot = nullptr;
    const glb_flow_cold *cold = nullptr;
    std::uint32_t capacity = 0;
};

/// A table of this schema, mapped for writing.
struct NewerTable {
    glb_flow_hot *hot = nullptr;
    glb_flow_cold *cold = nullptr;
    std::uint32_t capacity = 0;
};

/// Which program packets meet while a pass is made: that of the older table, which alone moves flows on then,
/// or that of the newer one, which may know better.
enum class ActiveProgram : std::uint8_t { older, newer };

class FlowCopy {
  public:
    struct Counts {
        std::uint64_t entered = 0;   ///< flows that the newer table did not have
        std::uint64_t freshened = 0; ///< flows whose state, target or time was newer in the older table
        std::uint64_t no_place = 0;  ///< live flows that found all their places taken
        std::uint64_t left = 0;      ///< live entries of the newer table that had to make room
    };

    /// Both tables must outlive it.
    FlowCopy(OlderTable from, NewerTable into, TargetTimeouts timeouts);

    /// One pass over the whole of the older table; what has expired by `now` (ticks) stays behind. Takes
    /// about 0.1 us an entry. Passes may be repeated: each enters and freshens what has changed since. The
    /// first pass that is made with ActiveProgram::newer must come after the last packet of the older
    /// program.
    Counts pass(std::uint32_t now, ActiveProgram in_force);

    /// Tags' places in glb_stamps (GLB_STAMPS of them): flows that have no entry any more, whose packets are
    /// to find their way back all the same.
    [[nodiscard]] const std::vector<bool> &stamps() const { return stamps_; }

  private:
    friend struct FlowCopyContext;
    void copy_line(std::uint32_t slot, std::uint32_t now, ActiveProgram in_force, Counts &counts);

    OlderTable from_;
    NewerTable into_;
    TargetTimeouts timeouts_;
    std::vector<bool> stamps_;
};

} // namespace glb
