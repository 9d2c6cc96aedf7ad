// Which (interface, VLAN) pairs the guard covers, and which kernel devices receive their packets.
#include <cstdlib>
#include <map>
#include <set>

#include <nlohmann/json.hpp>

#include "controller/network/topology.h"
#include "controller/plan/bank_plan.h"
#include "controller/plan/guard_bridges.h"
#include "controller/plan/guard_plan.h"
#include "controller/util/containers.h"

namespace glb::plan {
namespace {

/// Interface and VLANs joined by `separator`: '.' gives the conventional name of a VLAN device, '/' the key
/// of known_devices().
std::string port_name(const std::string &interface, const std::array<std::uint16_t, 2> &vlans,
                      char separator) {
    std::string name = interface;
    for (const auto vlan : vlans)
        if (vlan != 0)
            name += separator + std::to_string(vlan);
    return name;
}

/// The devices on which the kernel receives the interface's packets, and those on which it did that may do so again while
/// no daemon runs: all of them if there is no such device now, else those that do not exist.
std::vector<std::string> device_names(const InterfaceRef &interface, const network::Snapshot &snapshot,
                                      const nlohmann::json &known) {
    std::vector<std::string> names;
    if (const auto *link = snapshot.link(interface.name))
        for (const auto index : network::receiving_devices(snapshot, link->index, interface.vlans))
            if (const auto *device = snapshot.link(index);
                device && device->kind != "vrf") // a VRF has other ports too
                push_back_unique(names, device->name);
    const auto vlans = vlan_pair(interface);
    const bool is_missing = names.empty();
    if (is_missing)
        names.push_back(port_name(interface.name, vlans, '.'));
    const auto found = known.is_object() ? known.find(port_name(interface.name, vlans, '/')) : known.end();
    if (found != known.end() && found->is_array())
        for (const auto &name : *found)
            if (name.is_string() && (is_missing || !snapshot.link(name.get<std::string>())))
                push_back_unique(names, name.get<std::string>());
    return names;
}

GuardedPort plan_port(const InterfaceRef &interface, const network::Snapshot &snapshot,
                      const nlohmann::json &known) {
    GuardedPort port;
    port.interface = interface.name;
    port.vlans = vlan_pair(interface);
    if (const auto *link = snapshot.link(interface.name))
        port.ifindex = link->index;
    port.devices = device_names(interface, snapshot, known);
    port.bridges = find_bridges(port.devices, snapshot);
    if (const auto *device = snapshot.link(network::kernel_device(snapshot, interface)))
        port.stack_device = device->name;
    return port;
}

} // namespace

GuardPlan plan_guard(const config::Manifest &manifest, const IndexAllocator &indexes,
                     const network::Snapshot &snapshot, const nlohmann::json &known) {
    GuardPlan plan;
    plan.mark_mask = manifest.node.mark_mask;
    plan.node = manifest.node.name;
    std::map<InterfaceRef, GuardedPort> ports;
    ports.emplace(manifest.node.tunnel.interface, plan_port(manifest.node.tunnel.interface, snapshot, known));
    for (const auto &endpoint : manifest.endpoints) {
        for (const auto &interface : endpoint.interfaces) {
            auto &port = ports.try_emplace(interface, plan_port(interface, snapshot, known)).first->second;
            port.endpoint = indexes.find(IndexKind::endpoint, endpoint.name);
            port.endpoint_name = endpoint.name;
            port.route_table = endpoint.route_table == config::main_route_table ? 0 : endpoint.route_table;
            port.when_detached = endpoint.when_detached;
        }
    }
    for (auto &[interface, port] : ports)
        plan.ports.push_back(std::move(port));
    return plan;
}

std::vector<GuardedPort> unplanned_ports(const GuardPlan &plan, const network::Snapshot &snapshot,
                                         const nlohmann::json &known) {
    std::vector<GuardedPort> ports;
    if (!known.is_object())
        return ports;
    std::set<std::string> planned;
    for (const auto &port : plan.ports)
        planned.insert(port_name(port.interface, port.vlans, '/'));
    for (const auto &[name, devices] : known.items()) {
        if (planned.contains(name))
            continue;
        InterfaceRef interface {
            name.substr(0, name.find('/')), {}
        };
        for (auto at = name.find('/'); at != std::string::npos; at = name.find('/', at + 1))
            interface.vlans.push_back(
                static_cast<std::uint16_t>(std::strtoul(name.c_str() + at + 1, nullptr, 10)));
        ports.push_back(plan_port(interface, snapshot, known));
    }
    return ports;
}

std::set<std::string> receiving_device_names(const config::Manifest &manifest,
                                             const network::Snapshot &snapshot, const nlohmann::json &known) {
    std::set<std::string> names;
    const auto add = [&](const InterfaceRef &interface) {
        const auto devices = device_names(interface, snapshot, known);
        names.insert(devices.begin(), devices.end());
    };
    add(manifest.node.tunnel.interface);
    for (const auto &endpoint : manifest.endpoints)
        std::ranges::for_each(endpoint.interfaces, add);
    return names;
}

nlohmann::json known_devices(const GuardPlan &plan) {
    auto names = nlohmann::json::object();
    for (const auto &port : plan.ports)
        names[port_name(port.interface, port.vlans, '/')] = port.devices;
    return names;
}

} // namespace glb::plan
