// Snapshot: the kernel's links, addresses and neighbours, read once.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/netlink/netlink.h"

namespace glb::network {

struct Link {
    unsigned index = 0;
    std::string name;
    MacAddress mac;
    unsigned mtu = 0;
    bool up = false;            ///< IFF_UP: administratively up
    bool running = false;       ///< IFF_RUNNING: has a carrier
    std::string kind;           ///< "veth", "vlan", "bridge", "macvlan", "vrf", …; empty for a physical NIC
    unsigned master = 0;        ///< index of its bridge, bond or VRF; 0: none
    unsigned lower = 0;         ///< index of the device below it; 0: none
    bool lower_is_local = true; ///< false: `lower` is in another network namespace (a veth's peer)
    std::uint16_t vlan_id = 0;  ///< of a VLAN device, else 0
    std::uint16_t vlan_protocol = 0; ///< ethertype of the tag, host order: 0x8100 or 0x88a8
};

struct LinkAddress {
    unsigned ifindex = 0;
    IpAddress address;
    std::uint8_t prefix_length = 0;
};

struct Neighbour {
    unsigned ifindex = 0;
    IpAddress address;
    MacAddress mac;          ///< zero: unknown
    std::uint16_t state = 0; ///< NUD_*, <linux/neighbour.h>

    /// True if the kernel would use this MAC now (NUD_VALID).
    [[nodiscard]] bool is_valid() const;
};

/// Parses an RTM_NEWNEIGH or RTM_DELNEIGH. The address has family 0 for a non-IP entry (a bridge's FDB).
[[nodiscard]] Neighbour read_neighbour(const nlmsghdr &message);

struct Snapshot {
    std::vector<Link> links;
    std::vector<LinkAddress> addresses;
    std::vector<Neighbour> neighbours;

    [[nodiscard]] const Link *link(unsigned index) const;
    [[nodiscard]] const Link *link(std::string_view name) const;
    [[nodiscard]] const Neighbour *neighbour(unsigned ifindex, const IpAddress &address) const;
};

/// Three dumps, each consistent, but not of the same instant: a Monitor that was opened before reports what
/// changes in between.
[[nodiscard]] Result<Snapshot> read_snapshot(Netlink &netlink);

} // namespace glb::network
