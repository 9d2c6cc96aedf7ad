// Snapshot: what the kernel has of links, addresses and neighbours, at one moment.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/network/netlink.h"

namespace glb {

struct Link {
    unsigned index = 0;
    std::string name;
    MacAddress mac;
    unsigned mtu = 0;
    bool up = false;           ///< IFF_UP: somebody wants it up
    bool running = false;      ///< IFF_RUNNING: it has a carrier
    std::string kind;          ///< "veth", "vlan", "bridge", "macvlan", "vrf", …; empty for a NIC
    unsigned master = 0;       ///< the bridge, bond or VRF that it is a port of; 0: none
    unsigned lower = 0;        ///< the device under it; 0: none
    bool lower_is_here = true; ///< false: `lower` is an index of another network namespace (veth's peer)
    std::uint16_t vlan_id = 0; ///< of a VLAN device
    std::uint16_t vlan_protocol = 0; ///< 0x8100 or 0x88a8, host order; of a VLAN device
};

struct LinkAddress {
    unsigned ifindex = 0;
    IpAddress address;
    std::uint8_t prefix_length = 0;
};

struct Neighbour {
    unsigned ifindex = 0;
    IpAddress address;
    MacAddress mac;          ///< zero where it is not known
    std::uint16_t state = 0; ///< NUD_*, <linux/neighbour.h>

    /// True where the kernel would send to this MAC now (NUD_VALID).
    [[nodiscard]] bool is_valid() const;
};

/// Of an RTM_NEWNEIGH or RTM_DELNEIGH; its address has family 0 where it is no IP neighbour (a bridge's).
[[nodiscard]] Neighbour read_neighbour(const nlmsghdr &message);

struct Snapshot {
    std::vector<Link> links;
    std::vector<LinkAddress> addresses;
    std::vector<Neighbour> neighbours;

    [[nodiscard]] const Link *link(unsigned index) const;
    [[nodiscard]] const Link *link(std::string_view name) const;
    [[nodiscard]] const Neighbour *neighbour(unsigned ifindex, const IpAddress &address) const;
};

/// Three dumps, each whole. They are not of the very same instant: a Monitor opened before tells of changes.
[[nodiscard]] Result<Snapshot> read_snapshot(Netlink &netlink);

} // namespace glb
