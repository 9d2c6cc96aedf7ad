// NeighbourOverflow: the kernel's neighbour table has no place for new hosts. Pure: time is an argument.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "controller/util/monotonic_time.h"

namespace glb::control {

/// Entries of targets and their routers are exempt from the table's limit, those of other hosts are not: packets to
/// them are lost while the table is full.
class NeighbourOverflow {
  public:
    static constexpr std::chrono::seconds hold{10}; ///< the condition ends so long after the last overflow

    /// `overflows`: the kernel's counter. The line to be logged; empty: none.
    [[nodiscard]] std::string update(std::uint64_t overflows, MonotonicTime now) {
        const bool more = seen_ && overflows > *seen_;
        seen_ = overflows;
        if (more) {
            last_ = now;
            if (since_)
                return "";
            since_ = now;
            return "the kernel's neighbour table is full: packets to hosts without an entry are lost (a scan "
                   "of an "
                   "attached subnet fills it); entries of targets are exempt; fix: raise "
                   "net.ipv4.neigh.default.gc_thresh3 and net.ipv6.neigh.default.gc_thresh3";
        }
        if (!since_ || now - last_ < hold)
            return "";
        since_.reset();
        return "the kernel's neighbour table has room again";
    }
    /// Since when it is full; none: it is not.
    [[nodiscard]] std::optional<MonotonicTime> since() const { return since_; }

  private:
    std::optional<std::uint64_t> seen_; ///< none: first look, earlier overflows are past
    std::optional<MonotonicTime> since_;
    MonotonicTime last_{};
};

} // namespace glb::control
