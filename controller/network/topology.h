// Topology: maps kernel devices to physical interfaces and VLANs, and back. Pure functions of a Snapshot.
#pragma once

#include <optional>
#include <vector>

#include "controller/network/path.h"
#include "controller/network/snapshot.h"
#include "controller/util/interface_ref.h"

namespace glb::network {

/// Where a device's frames appear on the wire: physical interface and VLAN ids, outermost first.
struct Port {
    unsigned ifindex = 0;
    std::vector<std::uint16_t> vlans;
    bool operator==(const Port &) const = default;
};

/// Resolves VLAN devices, macvlans, and bridges or bonds with exactly one port to their physical interface.
/// nullopt for an unknown device, a bridge with several ports (no single interface), and a loop.
[[nodiscard]] std::optional<Port> resolve_port(const Snapshot &snapshot, unsigned ifindex);

/// The VLAN tags of frames that `device` sends, outermost first, each with its own ethertype. Empty if
/// resolve_port() finds no interface.
[[nodiscard]] std::vector<VlanTag> vlan_tags(const Snapshot &snapshot, unsigned device);

/// The devices on which the stack receives frames of `interface` with exactly these tags: the interface or
/// VLAN device itself (first), macvlans on it, its bridge, bond or VRF, and macvlans on those. Distinct
/// indexes.
[[nodiscard]] std::vector<unsigned> receiving_devices(const Snapshot &snapshot, unsigned interface,
                                                      const std::vector<std::uint16_t> &vlans);

/// The bond or team that `device` is, is a member of, or is a VLAN device or macvlan on; null: none.
[[nodiscard]] const Link *bond_of(const Snapshot &snapshot, unsigned device);

/// True for a bridge and a macvlan on one: they also receive what enters by the bridge's other ports.
[[nodiscard]] bool receives_from_bridge(const Snapshot &snapshot, unsigned device);

/// The device that has the addresses and routes of an (interface, VLANs) pair: the interface or VLAN device,
/// or the bridge or bond that it is a port of. 0: there is none.
[[nodiscard]] unsigned kernel_device(const Snapshot &snapshot, const InterfaceRef &interface);

/// The MTU of the device for those VLANs if there is one, else of the interface; 0: not known.
[[nodiscard]] unsigned mtu_of(const Snapshot &snapshot, const InterfaceRef &interface);

/// The addresses of receiving_devices() that are up: local to the node for packets received on this port. A port
/// of a bridge has its bridge's only.
[[nodiscard]] std::vector<IpAddress> local_addresses(const Snapshot &snapshot, unsigned interface,
                                                     const std::vector<std::uint16_t> &vlans);

/// Whether an interface that is up has the address.
[[nodiscard]] bool has_address(const Snapshot &snapshot, const IpAddress &address);

/// Addresses of all interfaces, and the broadcast addresses of their subnets: as sources of received packets
/// they are forged. Without loopback and IPv6 link-local addresses. Sorted, distinct.
[[nodiscard]] std::vector<IpAddress> node_addresses(const Snapshot &snapshot);

/// The MACs of receiving_devices() that are up, distinct, without zeros.
[[nodiscard]] std::vector<MacAddress> local_macs(const Snapshot &snapshot, unsigned interface,
                                                 const std::vector<std::uint16_t> &vlans);

} // namespace glb::network
