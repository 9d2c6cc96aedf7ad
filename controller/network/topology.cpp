#include "controller/network/topology.h"

#include <algorithm>

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
    std::vector<unsigned> devices;
    const Link *device = vlan_device(snapshot, interface, vlans);
    if (!device)
        return devices;
    devices.push_back(device->index);
    // The list grows during iteration, so that devices on top of found ones are found too.
    for (std::size_t i = 0; i < devices.size(); ++i) {
        const Link *link = snapshot.link(devices[i]);
        if (link && link->master && snapshot.link(link->master))
            push_back_unique(devices, link->master);
        for (const auto &upper : snapshot.links)
            if (is_macvlan(upper) && upper.lower_is_local && upper.lower == devices[i])
                push_back_unique(devices, upper.index);
    }
    return devices;
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

std::vector<IpAddress> local_addresses(const Snapshot &snapshot, unsigned interface,
                                       const std::vector<std::uint16_t> &vlans) {
    std::vector<IpAddress> result;
    for (const auto device : receiving_devices(snapshot, interface, vlans))
        for (const auto &address : snapshot.addresses)
            if (address.ifindex == device)
                push_back_unique(result, address.address);
    return result;
}

std::vector<MacAddress> local_macs(const Snapshot &snapshot, unsigned interface,
                                   const std::vector<std::uint16_t> &vlans) {
    std::vector<MacAddress> result;
    for (const auto device : receiving_devices(snapshot, interface, vlans))
        if (const Link *link = snapshot.link(device); link && !link->mac.is_zero())
            push_back_unique(result, link->mac);
    return result;
}

} // namespace glb::network
