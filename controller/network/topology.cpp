#include "controller/network/topology.h"

#include <algorithm>
#include <set>

#include "controller/util/containers.h"

namespace glb::network {
namespace {

constexpr int max_nesting = 8; // as in the kernel: MAX_NEST_DEV

bool is_macvlan(const Link &link) {
    return link.kind == "macvlan" || link.kind == "macvtap" || link.kind == "ipvlan";
}

bool has_ports(const Link &link) {
    return link.kind == "bridge" || link.kind == "bond" || link.kind == "team";
}

const Link *only_port(const Snapshot &snapshot, const Link &master) {
    const Link *found = nullptr;
    for (const auto &link : snapshot.links) {
        if (link.master != master.index)
            continue;
        if (found)
            return nullptr;
        found = &link;
    }
    return found;
}

bool is_loopback_or_link_local(const IpAddress &address) {
    if (address.family == 4)
        return address.bytes[0] == 127;
    static const auto loopback = *IpAddress::parse("::1");
    return address == loopback || (address.bytes[0] == 0xfe && (address.bytes[1] & 0xc0) == 0x80);
}

/// The interface or VLAN device that receives frames of `interface` with these tags; null: there is none.
const Link *vlan_device(const Snapshot &snapshot, unsigned interface,
                        const std::vector<std::uint16_t> &vlans) {
    const Link *device = snapshot.link(interface);
    for (const auto id : vlans) {
        if (!device)
            return nullptr;
        const auto next = std::find_if(snapshot.links.begin(), snapshot.links.end(), [&](const Link &link) {
            return link.kind == "vlan" && link.lower_is_local && link.lower == device->index &&
                   link.vlan_id == id;
        });
        device = next == snapshot.links.end() ? nullptr : &*next;
    }
    return device;
}

/// The device and those on top of it, as far as `is_used` holds on the way.
template <typename Predicate>
std::vector<unsigned> with_devices_above(const Snapshot &snapshot, const Link &device,
                                         const Predicate &is_used) {
    std::vector<unsigned> devices;
    if (is_used(device))
        devices.push_back(device.index);
    // The list grows during iteration, so that devices on top of found ones are found too.
    for (std::size_t i = 0; i < devices.size(); ++i) {
        const Link *link = snapshot.link(devices[i]);
        if (const auto *master = link && link->master ? snapshot.link(link->master) : nullptr;
            master && is_used(*master))
            push_back_unique(devices, master->index);
        for (const auto &upper : snapshot.links)
            if (is_macvlan(upper) && upper.lower_is_local && upper.lower == devices[i] && is_used(upper))
                push_back_unique(devices, upper.index);
    }
    return devices;
}

/// receiving_devices() that are up: the kernel drops what is for another one.
std::vector<unsigned> active_devices(const Snapshot &snapshot, unsigned interface,
                                     const std::vector<std::uint16_t> &vlans) {
    const auto is_up = [](const Link &link) { return link.up; };
    const Link *device = vlan_device(snapshot, interface, vlans);
    // A VLAN device on one that is down receives nothing.
    for (const Link *lower = device; lower && lower->index != interface; lower = snapshot.link(lower->lower))
        if (!lower->up)
            return {};
    return device ? with_devices_above(snapshot, *device, is_up) : std::vector<unsigned>{};
}

/// The kernel gives packets of such a port to its master: it has no addresses of its own.
bool belongs_to_master(const Snapshot &snapshot, unsigned device) {
    const Link *link = snapshot.link(device);
    const Link *master = link && link->master ? snapshot.link(link->master) : nullptr;
    return master && has_ports(*master);
}

} // namespace

std::optional<Port> resolve_port(const Snapshot &snapshot, unsigned ifindex) {
    Port port;
    const Link *link = snapshot.link(ifindex);
    for (int depth = 0; link && depth < max_nesting; ++depth) {
        if (link->kind == "vlan" && link->lower_is_local) {
            port.vlans.insert(port.vlans.begin(), link->vlan_id);
            link = snapshot.link(link->lower);
        } else if (is_macvlan(*link) && link->lower_is_local) {
            link = snapshot.link(link->lower);
        } else if (has_ports(*link)) {
            link = only_port(snapshot, *link);
        } else {
            port.ifindex = link->index;
            return port;
        }
    }
    return std::nullopt;
}

std::vector<VlanTag> vlan_tags(const Snapshot &snapshot, unsigned device) {
    std::vector<VlanTag> tags;
    const auto port = resolve_port(snapshot, device);
    const auto *link = port ? snapshot.link(device) : nullptr;
    while (link && link->index != port->ifindex) {
        if (link->kind == "vlan")
            tags.insert(tags.begin(),
                        {link->vlan_id, link->vlan_protocol ? link->vlan_protocol : std::uint16_t{0x8100}});
        // Otherwise a bridge or bond; resolve_port() has verified that it has one port.
        link = link->lower && link->lower_is_local ? snapshot.link(link->lower) : only_port(snapshot, *link);
    }
    return tags;
}

std::vector<unsigned> receiving_devices(const Snapshot &snapshot, unsigned interface,
                                        const std::vector<std::uint16_t> &vlans) {
    const Link *device = vlan_device(snapshot, interface, vlans);
    return device ? with_devices_above(snapshot, *device, [](const Link &) { return true; })
                  : std::vector<unsigned>{};
}

const Link *bond_of(const Snapshot &snapshot, unsigned device) {
    const auto is_bond = [](const Link *link) {
        return link && (link->kind == "bond" || link->kind == "team");
    };
    const Link *link = snapshot.link(device);
    for (int depth = 0; link && depth < max_nesting; ++depth) {
        const Link *master = link->master ? snapshot.link(link->master) : nullptr;
        if (is_bond(link) || is_bond(master))
            return is_bond(link) ? link : master;
        const bool is_stacked = (link->kind == "vlan" || is_macvlan(*link)) && link->lower_is_local;
        link = is_stacked ? snapshot.link(link->lower) : nullptr;
    }
    return nullptr;
}

bool receives_from_bridge(const Snapshot &snapshot, unsigned device) {
    const Link *link = snapshot.link(device);
    for (int depth = 0; link && depth < max_nesting; ++depth) {
        if (link->kind == "bridge")
            return true;
        link = is_macvlan(*link) && link->lower_is_local ? snapshot.link(link->lower) : nullptr;
    }
    return false;
}

unsigned kernel_device(const Snapshot &snapshot, const InterfaceRef &interface) {
    const auto *link = snapshot.link(interface.name);
    if (!link)
        return 0;
    const auto devices = receiving_devices(snapshot, link->index, interface.vlans);
    if (devices.empty())
        return 0;
    const auto *device = snapshot.link(devices.front());
    const auto *master = device && device->master ? snapshot.link(device->master) : nullptr;
    return master && (master->kind == "bridge" || master->kind == "bond") ? master->index : devices.front();
}

unsigned mtu_of(const Snapshot &snapshot, const InterfaceRef &interface) {
    const auto *link = snapshot.link(interface.name);
    if (!link)
        return 0;
    const Link *device = vlan_device(snapshot, link->index, interface.vlans);
    return device ? device->mtu : link->mtu;
}

std::vector<IpAddress> local_addresses(const Snapshot &snapshot, unsigned interface,
                                       const std::vector<std::uint16_t> &vlans) {
    std::vector<IpAddress> result;
    for (const auto device : active_devices(snapshot, interface, vlans))
        for (const auto &address : snapshot.addresses)
            if (address.ifindex == device && !belongs_to_master(snapshot, device))
                push_back_unique(result, address.address);
    return result;
}

bool has_address(const Snapshot &snapshot, const IpAddress &address) {
    return std::ranges::any_of(snapshot.addresses, [&](const LinkAddress &row) {
        const Link *link = snapshot.link(row.ifindex);
        return row.address == address && link && link->up;
    });
}

std::vector<IpAddress> node_addresses(const Snapshot &snapshot) {
    std::set<IpAddress> addresses;
    for (const auto &row : snapshot.addresses) {
        if (!is_loopback_or_link_local(row.address))
            addresses.insert(row.address);
        if (row.broadcast)
            addresses.insert(*row.broadcast);
    }
    return {addresses.begin(), addresses.end()};
}

std::vector<MacAddress> local_macs(const Snapshot &snapshot, unsigned interface,
                                   const std::vector<std::uint16_t> &vlans) {
    std::vector<MacAddress> result;
    for (const auto device : active_devices(snapshot, interface, vlans))
        if (const Link *link = snapshot.link(device); link && !link->mac.is_zero())
            push_back_unique(result, link->mac);
    return result;
}

} // namespace glb::network
