// Routes with an MTU of their own (`ip route ... mtu 1400`), which a FIB look-up by XDP does not report.
#pragma once

#include <optional>
#include <vector>

#include "controller/network/snapshot.h"
#include "controller/util/monotonic_time.h"
#include "lib/netlink/netlink.h"

namespace glb::network {

/// More destinations than this are reported as one per IP version, for all of its addresses.
inline constexpr std::size_t max_route_mtus = 4096;

/// Sorted, one per destination with its smallest MTU, at most `max_route_mtus`. Pure.
[[nodiscard]] std::vector<RouteMtu> merged_route_mtus(std::vector<RouteMtu> routes);

/// Reads the routes of all tables, and again only after a change of a route that has an MTU: there may be
/// millions of others.
class RouteMtuReader {
  public:
    /// In the calling thread's network namespace.
    [[nodiscard]] static Result<RouteMtuReader> open();

    /// After lost notifications the routes are read again, but not within `overrun_pause` of the last time.
    [[nodiscard]] Result<std::vector<RouteMtu>> read(MonotonicTime now);

  private:
    RouteMtuReader(Netlink requests, Netlink events)
        : requests_(std::move(requests)), events_(std::move(events)) {}
    void drain_events();

    Netlink requests_, events_;
    std::optional<std::vector<RouteMtu>> routes_; ///< as of `read_at_`
    MonotonicTime read_at_{};
    bool is_stale_ = true;    ///< a route with an MTU has changed
    bool is_overrun_ = false; ///< notifications were lost
};

} // namespace glb::network
