// Routes, asked one at a time: what the kernel would do with a packet.
#pragma once

#include <cstdint>
#include <optional>

#include "controller/network/netlink.h"

namespace glb {

struct RouteQuery {
    IpAddress destination;
    std::optional<IpAddress> source; ///< as a packet from this address; must be the node's own
    std::uint32_t mark = 0;          ///< as a packet with this mark: how `ip rule` leads to a table
    unsigned oif = 0;                ///< only by this device; 0: any
};

struct RouteAnswer {
    unsigned oif = 0;
    std::optional<IpAddress> gateway; ///< of either family (IPv4 over an IPv6 next hop); none: on the link
    std::optional<IpAddress> source;  ///< preferred source address
    unsigned mtu = 0;                 ///< of the route; 0: none, the device's counts
    bool local = false;               ///< the destination is the node itself

    /// Whose MAC must be known to send there.
    [[nodiscard]] const IpAddress &next_hop(const IpAddress &destination) const {
        return gateway ? *gateway : destination;
    }
};

/// RTM_GETROUTE. Fails with ENETUNREACH, EHOSTUNREACH, EINVAL (blackhole) where no packet would leave.
[[nodiscard]] Result<RouteAnswer> route_get(Netlink &netlink, const RouteQuery &query);

} // namespace glb
