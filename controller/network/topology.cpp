#include "controller/network/topology.h"

#include <algorithm>

namespace glb {
namespace {

constexpr int deepest_stack = 8; // devices can be stacked eight deep in the kernel (MAX_NEST_DEV)

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

template <typename T>
void add_once(std::vector<T> &list, const T &value) {
    if (std::find(list.begin(), list.end(), value) == list.end())
        list.push_back(value);
}

/// The device that takes the frames of `interface` with these tags, if there is one.
const Link *vlan_device(const Snapshot &snapshot, unsigned interface,
                        const std::vector<std::uint16_t> &vlans) {
    const Link *device = snapshot.link(interface);
    for (const auto id : vlans) {
        if (!device)
            return nullptr;
        const auto next = std::find_if(snapshot.links.begin(), snapshot.links.end(), [&](const Link &link) {
            return link.kind == "vlan" && link.lower_is_here && link.lower == device->index &&
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
    for (int depth = 0; link && depth < deepest_stack; ++depth) {
        if (link->kind == "vlan" && link->lower_is_here) {
            port.vlans.insert(port.vlans.begin(), link->vlan_id);
            link = snapshot.link(link->lower);
        } else if (is_macvlan(*link) && link->lower_is_here) {
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

std::vector<unsigned> devices_of(const Snapshot &snapshot, unsigned interface,
                                 const std::vector<std::uint16_t> &vlans) {
    std::vector<unsigned> devices;
    const Link *device = vlan_device(snapshot, interface, vlans);
    if (!device)
        return devices;
    devices.push_back(device->index);
    // The list grows while it is walked: what stands on a found device is found in turn.
    for (std::size_t i = 0; i < devices.size(); ++i) {
        const Link *below = snapshot.link(devices[i]);
        if (below && below->master && snapshot.link(below->master))
            add_once(devices, below->master);
        for (const auto &link : snapshot.links)
            if (is_macvlan(link) && link.lower_is_here && link.lower == devices[i])
                add_once(devices, link.index);
    }
    return devices;
}

std::vector<IpAddress> own_addresses(const Snapshot &snapshot, unsigned interface,
                                     const std::vector<std::uint16_t> &vlans) {
    std::vector<IpAddress> result;
    for (const auto device : devices_of(snapshot, interface, vlans))
        for (const auto &address : snapshot.addresses)
            if (address.ifindex == device)
                add_once(result, address.address);
    return result;
}

std::vector<MacAddress> own_macs(const Snapshot &snapshot, unsigned interface,
                                 const std::vector<std::uint16_t> &vlans) {
    std::vector<MacAddress> result;
    for (const auto device : devices_of(snapshot, interface, vlans))
        if (const Link *link = snapshot.link(device); link && !link->mac.is_zero())
            add_once(result, link->mac);
    return result;
}

} // namespace glb
