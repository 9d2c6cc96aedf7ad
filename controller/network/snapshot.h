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
    std::optional<IpAddress> broadcast = std::nullopt; ///< of the subnet
};

struct Neighbour {
    unsigned ifindex = 0;
    IpAddress address;
    MacAddress mac;                   ///< zero: unknown
    std::uint16_t state = 0;          ///< NUD_*, <linux/neighbour.h>
    std::uint8_t flags = 0;           ///< NTF_*
    std::uint32_t extended_flags = 0; ///< NTF_EXT_*
    std::uint8_t protocol = 0;        ///< who made it; own_rule_protocol: glb

    /// True if the kernel would use this MAC now (NUD_VALID).
    [[nodiscard]] bool is_valid() const;
    /// Made by an operator or a routing daemon (permanent, noarp, externally learned): not to be changed.
    [[nodiscard]] bool is_foreign() const;
};

/// An IPsec policy, of those that may apply to forwarded packets (controller/network/xfrm.h).
struct XfrmPolicy {
    enum class Direction : std::uint8_t { forward, out, other };
    Direction direction = Direction::other;
    bool is_default = false; ///< applies where no other policy does; without prefixes
    IpPrefix source, destination;
    bool blocks = false;
    bool has_templates = false;     ///< requires a transformation: ESP, AH
    std::uint32_t interface_id = 0; ///< of the XFRM interfaces that it is for; 0: not for one
    bool operator==(const XfrmPolicy &) const = default;
};

/// "src 192.0.2.0/24 dst 198.51.100.0/24 dir fwd action block", as `ip xfrm policy` prints it.
[[nodiscard]] std::string to_string(const XfrmPolicy &policy);

/// Something that may delay or drop packets that leave by an interface (controller/network/traffic_control.h).
struct EgressControl {
    enum class Type : std::uint8_t { qdisc, filter };
    unsigned ifindex = 0;
    Type type = Type::qdisc;
    std::string kind; ///< "tbf", "htb", "bpf", "tcx", "nftables chain out of table netdev fw"
    bool operator==(const EgressControl &) const = default;
};

/// The destination of a route that has an MTU of its own.
struct RouteMtu {
    IpPrefix destination;
    unsigned mtu = 0;
    bool operator==(const RouteMtu &) const = default;
};

/// Parses an RTM_NEWNEIGH or RTM_DELNEIGH. The address has family 0 for a non-IP entry (a bridge's FDB).
[[nodiscard]] Neighbour read_neighbour(const nlmsghdr &message);

struct Snapshot {
    std::vector<Link> links;
    std::vector<LinkAddress> addresses;
    std::vector<Neighbour> neighbours;
    std::vector<XfrmPolicy> xfrm_policies;      ///< of forwarded and sent packets
    std::vector<EgressControl> egress_controls; ///< not those that only queue
    std::vector<RouteMtu> route_mtus;           ///< of all tables, sorted; one per destination, the smallest

    [[nodiscard]] const Link *link(unsigned index) const;
    [[nodiscard]] const Link *link(std::string_view name) const;
    [[nodiscard]] const Neighbour *neighbour(unsigned ifindex, const IpAddress &address) const;
};

/// Links, addresses and neighbours: three dumps, each consistent, but not of the same instant: a Monitor that was
/// opened before reports what changes in between.
[[nodiscard]] Result<Snapshot> read_snapshot(Netlink &netlink);

} // namespace glb::network
