#include "controller/plan/bank_plan.h"

#include <algorithm>

#include "controller/network/topology.h"
#include "controller/network/xfrm.h"
#include "controller/util/containers.h"

namespace glb::plan {

namespace {

std::optional<PortConfig> plan_port(const config::Manifest &manifest, const network::Snapshot &snapshot,
                                    const InterfaceRef &interface) {
    const auto *link = snapshot.link(interface.name);
    if (!link)
        return std::nullopt;
    PortConfig port;
    port.ifindex = link->index;
    port.vlans = vlan_pair(interface);
    const auto device = network::kernel_device(snapshot, interface);
    port.fib_ifindex = device ? device : link->index;
    port.macs = network::local_macs(snapshot, link->index, interface.vlans);
    push_back_unique(port.macs, link->mac); // for a VLAN without a VLAN device
    for (const auto &address : network::local_addresses(snapshot, link->index, interface.vlans))
        port.addresses.push_back({address, static_cast<std::uint8_t>(address.bits())});
    for (const auto &prefix : manifest.node.own_addresses)
        push_back_unique(port.addresses, prefix);
    return port;
}

/// One row per (interface, VLAN), whether endpoint, tunnel or both (one-arm).
void plan_ports(BankConfig &config, const config::Manifest &manifest, const IndexAllocator &indexes,
                const network::Snapshot &snapshot) {
    std::map<InterfaceRef, PortConfig> ports;
    const auto &tunnel = manifest.node.tunnel.interface;
    if (auto port = plan_port(manifest, snapshot, tunnel)) {
        port->tunnel = true;
        if (network::has_address(snapshot, manifest.node.tunnel.address))
            push_back_unique(port->addresses, IpPrefix{manifest.node.tunnel.address, 32});
        ports.emplace(tunnel, *port);
    }
    for (const auto &endpoint : manifest.endpoints) {
        for (const auto &interface : endpoint.interfaces) {
            auto found = ports.find(interface);
            if (found == ports.end()) {
                const auto port = plan_port(manifest, snapshot, interface);
                if (!port)
                    continue;
                found = ports.emplace(interface, *port).first;
            }
            found->second.endpoint = indexes.find(IndexKind::endpoint, endpoint.name);
        }
    }
    for (auto &[interface, port] : ports)
        config.ports.push_back(std::move(port));
}

/// The largest packet that the endpoint's hosts can send to this node; 65535: not known.
std::uint16_t largest_mtu(const config::Endpoint &endpoint, const network::Snapshot &snapshot) {
    unsigned largest = 0;
    for (const auto &interface : endpoint.interfaces)
        largest = std::max(largest, network::mtu_of(snapshot, interface));
    return static_cast<std::uint16_t>(largest ? std::min(largest, 65535u) : 65535u);
}

void plan_endpoints(BankConfig &config, const config::Manifest &manifest, const IndexAllocator &indexes,
                    const network::Snapshot &snapshot) {
    const bool punt = network::xfrm_policy_of_forwarded(snapshot) != nullptr;
    for (const auto &endpoint : manifest.endpoints) {
        EndpointConfig row;
        row.index = *indexes.find(IndexKind::endpoint, endpoint.name);
        row.id = endpoint.id;
        row.attachment = endpoint.attachment_id;
        row.route_table = endpoint.route_table == config::main_route_table ? 0 : endpoint.route_table;
        row.group = *indexes.find(IndexKind::group, endpoint.target_group);
        row.new_flows_per_second = endpoint.new_flows_per_source_per_second;
        row.mtu = largest_mtu(endpoint, snapshot);
        row.punt = punt;
        config.endpoints.push_back(row);
    }
}

std::uint16_t stickiness_code(config::Stickiness stickiness) {
    switch (stickiness) {
    case config::Stickiness::tuple5:
        return GLB_STICK_5;
    case config::Stickiness::tuple3:
        return GLB_STICK_3;
    case config::Stickiness::tuple2:
        break;
    }
    return GLB_STICK_2;
}

void plan_groups(BankConfig &config, const config::Manifest &manifest, const IndexAllocator &indexes,
                 const MaglevGenerations &tables) {
    for (const auto &group : manifest.target_groups) {
        GroupConfig row;
        row.index = *indexes.find(IndexKind::group, group.name);
        const auto table = tables.row(row.index);
        row.table = table.table;
        row.previous_table = table.previous;
        row.previous_until = table.previous_until;
        row.tcp_timeout = group.idle_tcp;
        row.other_timeout = group.idle_other;
        row.stickiness = stickiness_code(group.stickiness);
        row.strict_cookie = group.cookie == config::CookiePolicy::strict;
        row.passive = group.health_check.passive.enabled;
        config.groups.push_back(row);
    }
}

void plan_targets(BankConfig &config, config::SenderMac sender_mac, std::span<const PlannedTarget> targets,
                  const std::map<IpAddress, network::ResolvedPath> &paths) {
    std::map<IpAddress, std::uint32_t> address_ids;
    for (const auto &target : targets) {
        TargetConfig row;
        row.index = target.index;
        row.group = target.group_index;
        row.address = target.address;
        row.port = target.port;
        row.address_id = address_ids.emplace(row.address, target.index + 1u).first->second;
        if (const auto found = paths.find(row.address); found != paths.end())
            row.path = found->second.path;
        config.targets.push_back(row);
        push_back_unique(config.geneve_ports, row.port);
    }
    std::sort(config.geneve_ports.begin(), config.geneve_ports.end());
    for (const auto &[address, id] : address_ids) {
        SenderConfig row{address, id, {}};
        const auto found = paths.find(address);
        const bool verified =
            sender_mac == config::SenderMac::on_link && found != paths.end() && found->second.on_link;
        if (verified && !found->second.path)
            continue; // nothing was sent to this address, so nothing is expected from it
        if (verified)
            row.mac = found->second.path->destination;
        config.senders.push_back(row);
    }
}

} // namespace

std::set<std::string> interface_names(const config::Manifest &manifest) {
    std::set<std::string> names{manifest.node.tunnel.interface.name};
    for (const auto &endpoint : manifest.endpoints)
        for (const auto &interface : endpoint.interfaces)
            names.insert(interface.name);
    return names;
}

std::array<std::uint16_t, 2> vlan_pair(const InterfaceRef &interface) {
    std::array<std::uint16_t, 2> vlans{};
    std::copy_n(interface.vlans.begin(), std::min(interface.vlans.size(), vlans.size()), vlans.begin());
    return vlans;
}

BankConfig plan_bank(const config::Manifest &manifest, const IndexAllocator &indexes,
                     const network::Snapshot &snapshot, const MaglevGenerations &tables,
                     std::span<const PlannedTarget> targets,
                     const std::map<IpAddress, network::ResolvedPath> &paths,
                     const std::array<std::uint32_t, GLB_NH_KEYS> &key) {
    BankConfig config;
    config.tunnel_address = manifest.node.tunnel.address;
    config.mark_mask = manifest.node.mark_mask;
    config.has_tunnel_address = network::has_address(snapshot, config.tunnel_address);
    config.node_addresses = network::node_addresses(snapshot);
    config.route_mtus = snapshot.route_mtus;
    config.steer_key = key;
    plan_ports(config, manifest, indexes, snapshot);
    plan_endpoints(config, manifest, indexes, snapshot);
    plan_groups(config, manifest, indexes, tables);
    plan_targets(config, manifest.node.tunnel.sender_mac, targets, paths);
    return config;
}

} // namespace glb::plan
