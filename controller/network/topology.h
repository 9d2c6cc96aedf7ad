// Topology: which devices stand on a physical interface and VLAN. Pure functions of a Snapshot.
#pragma once

#include <optional>
#include <vector>

#include "controller/network/snapshot.h"

namespace glb {

/// Where frames of a device are on the wire: the interface, and the tags, outermost first; empty: untagged.
struct Port {
    unsigned ifindex = 0;
    std::vector<std::uint16_t> vlans;
    bool operator==(const Port &) const = default;
};

/// Follows VLAN devices and macvlans down, and a bridge or bond that has exactly one port. Empty for an
/// unknown device, for a bridge with several ports (its frames have no one place), and for a loop.
[[nodiscard]] std::optional<Port> resolve_port(const Snapshot &snapshot, unsigned ifindex);

/// The devices by which the stack receives the frames of `interface` with exactly these tags: the interface
/// or VLAN device itself, macvlans on it, the bridge, bond or VRF that it is a port of, and macvlans on
/// those. Indexes, each once, the device itself first.
[[nodiscard]] std::vector<unsigned> devices_of(const Snapshot &snapshot, unsigned interface,
                                               const std::vector<std::uint16_t> &vlans);

/// The addresses of devices_of(): a packet to one of them is the node's own when it comes by this port.
[[nodiscard]] std::vector<IpAddress> own_addresses(const Snapshot &snapshot, unsigned interface,
                                                   const std::vector<std::uint16_t> &vlans);

/// The MACs of devices_of(), each once.
[[nodiscard]] std::vector<MacAddress> own_macs(const Snapshot &snapshot, unsigned interface,
                                               const std::vector<std::uint16_t> &vlans);

} // namespace glb
