// NeighbourOverflow: the kernel's neighbour table has no place for new hosts. Pure: time is an argument.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "controller/util/condition.h"
#include "controller/util/monotonic_time.h"

namespace glb::control {

/// Entries of targets and their routers are exempt from the table's limit, those of other hosts are not: packets to
/// them are lost while the table is full.
class NeighbourOverflow {
  public:
    static constexpr std::chrono::seconds hold{10}; ///< the condition ends so long after the last overflow

    /// `overflows`: the kernel's counter. The condition, while it holds.
    [[nodiscard]] std::vector<Condition> update(std::uint64_t overflows, MonotonicTime now) {
        if (seen_ && overflows > *seen_)
            last_ = now;
        seen_ = overflows;
        if (!last_ || now - *last_ >= hold)
            return {};
        return {
            {Severity::error, "neighbour-table-full", "",
             "the kernel's neighbour table is full: packets to hosts without an entry are lost (a scan of an "
             "attached subnet fills it); entries of targets are exempt",
             "raise net.ipv4.neigh.default.gc_thresh3 and net.ipv6.neigh.default.gc_thresh3"}};
    }

  private:
    std::optional<std::uint64_t> seen_; ///< none: first look, earlier overflows are past
    std::optional<MonotonicTime> last_;
};

} // namespace glb::control
