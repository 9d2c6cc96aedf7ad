// TxOffloadWatch: where packets arrive whose checksum their sender has left to its device. Pure: time is an argument.
#pragma once

#include <array>
#include <chrono>
#include <compare>
#include <cstdint>
#include <map>
#include <vector>

#include "controller/util/monotonic_time.h"

namespace glb::control {

/// Where such a packet arrived.
struct TxOffloadPlace {
    unsigned ifindex = 0;
    std::uint16_t endpoint = 0; ///< index
    auto operator<=>(const TxOffloadPlace &) const = default;
};

class TxOffloadWatch {
  public:
    /// So many reports within this time are evidence: one packet may be damaged or forged.
    static constexpr std::size_t reports_needed = 3;
    static constexpr std::chrono::seconds window{10};
    /// A place is found until there was no report for this time.
    static constexpr std::chrono::seconds memory{60};

    /// The data path reports a place once a tick.
    void record(const TxOffloadPlace &place, MonotonicTime now);
    [[nodiscard]] std::vector<TxOffloadPlace> found(MonotonicTime now) const;

  private:
    struct Row {
        std::array<MonotonicTime, reports_needed> reports{}; ///< the last ones, oldest first
        std::size_t count = 0;
        bool is_found = false;
    };
    std::map<TxOffloadPlace, Row> rows_;
};

} // namespace glb::control
