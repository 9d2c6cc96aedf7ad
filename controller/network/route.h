// Route look-up: how the kernel would route one packet.
#pragma once

#include <cstdint>
#include <optional>

#include "lib/netlink/netlink.h"

namespace glb::network {

struct RouteQuery {
    IpAddress destination;
    std::optional<IpAddress> source; ///< source address of the packet; must be local to the node
    std::uint32_t mark = 0;          ///< fwmark of the packet, for `ip rule`
    unsigned oif = 0;                ///< egress device; 0: any
};

struct RouteAnswer {
    unsigned oif = 0;
    std::optional<IpAddress> gateway; ///< either family (IPv4 via an IPv6 next hop); nullopt: on-link
    std::optional<IpAddress> source;  ///< preferred source address
    unsigned mtu = 0;                 ///< of the route; 0: the device's MTU applies
    bool local = false;               ///< the destination is an address of the node

    /// The address whose MAC is the frame's destination.
    [[nodiscard]] const IpAddress &next_hop(const IpAddress &destination) const {
        return gateway ? *gateway : destination;
    }
};

/// RTM_GETROUTE. Fails with ENETUNREACH, EHOSTUNREACH or EINVAL (blackhole) if the packet would not be
/// sent.
[[nodiscard]] Result<RouteAnswer> route_get(Netlink &netlink, const RouteQuery &query);

/// Whether the routing tables have a route for the packet. With an egress device, route_get() reports an address that
/// no route covers as on-link.
[[nodiscard]] bool has_route(Netlink &netlink, const RouteQuery &query);

} // namespace glb::network
