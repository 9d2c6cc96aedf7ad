#include "controller/plan/manifest_plan.h"

#include <algorithm>
#include <arpa/inet.h>
#include <cstring>

#include <openssl/sha.h>

#include "controller/network/topology.h"

namespace glb {

namespace {

using Kind = IndexAllocator::Kind;

template <typename T>
void add_once(std::vector<T> &list, const T &value) {
    if (std::find(list.begin(), list.end(), value) == list.end())
        list.push_back(value);
}

std::array<std::uint16_t, 2> two_vlans(const InterfaceRef &interface) {
    std::array<std::uint16_t, 2> vlans{};
    for (std::size_t i = 0; i < interface.vlans.size() && i < 2; ++i)
        vlans[i] = interface.vlans[i];
    return vlans;
}

std::optional<datapath::PortConfig> plan_port(const Manifest &manifest, const Snapshot &snapshot,
                                              const InterfaceRef &interface) {
    const auto *link = snapshot.link(interface.name);
    if (!link)
        return std::nullopt;
    datapath::PortConfig port;
    port.ifindex = link->index;
    port.vlans = two_vlans(interface);
    const auto device = device_of(snapshot, interface);
    port.fib_ifindex = device ? device : link->index;
    port.macs = own_macs(snapshot, link->index, interface.vlans);
    add_once(port.macs, link->mac); // a VLAN without a device of its own
    for (const auto &address : own_addresses(snapshot, link->index, interface.vlans))
        port.addresses.push_back({address, static_cast<std::uint8_t>(address.bits())});
    for (const auto &prefix : manifest.node.own_addresses)
        add_once(port.addresses, prefix);
    return port;
}

/// One row for each (interface, VLAN), whether endpoint, tunnel or both (one-arm).
void plan_ports(datapath::BankConfig &config, const Manifest &manifest, const IndexAllocator &book,
                const Snapshot &snapshot) {
    std::map<InterfaceRef, datapath::PortConfig> ports;
    const auto &tunnel = manifest.node.tunnel.interface;
    if (auto port = plan_port(manifest, snapshot, tunnel)) {
        port->tunnel = true;
        add_once(port->addresses, IpPrefix{manifest.node.tunnel.address, 32});
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
            found->second.endpoint = book.find(Kind::endpoint, endpoint.name);
        }
    }
    for (auto &[interface, port] : ports)
        config.ports.push_back(std::move(port));
}

std::uint16_t stickiness(Stickiness kind) {
    return kind == Stickiness::tuple5 ? GLB_STICK_5 : kind == Stickiness::tuple3 ? GLB_STICK_3 : GLB_STICK_2;
}

void plan_groups(datapath::BankConfig &config, const Manifest &manifest, const IndexAllocator &book,
                 const MaglevGenerations &tables) {
    for (const auto &group : manifest.target_groups) {
        datapath::GroupConfig row;
        row.index = *book.find(Kind::group, group.name);
        const auto table = tables.row(row.index);
        row.table = table.table;
        row.previous_table = table.previous;
        row.previous_until = table.previous_until;
        row.tcp_timeout = group.idle_tcp;
        row.other_timeout = group.idle_other;
        row.stickiness = stickiness(group.stickiness);
        row.strict_cookie = group.cookie == CookiePolicy::strict;
        row.passive = group.health_check.passive.enabled;
        config.groups.push_back(row);
    }
}

void plan_targets(datapath::BankConfig &config, const Manifest &manifest,
                  const std::map<std::string, TargetEntry> &fleet,
                  const std::map<IpAddress, ResolvedPath> &paths) {
    std::map<IpAddress, std::uint32_t> ids; // equal for equal addresses
    for (const auto &[name, member] : fleet) {
        datapath::TargetConfig row;
        row.index = member.index;
        row.group = member.group_index;
        row.address = member.target.address;
        row.port = member.target.port;
        row.address_id = ids.emplace(row.address, member.index + 1u).first->second;
        const auto found = paths.find(row.address);
        if (found != paths.end())
            row.path = found->second.path;
        config.targets.push_back(row);
        add_once(config.geneve_ports, row.port);
    }
    std::sort(config.geneve_ports.begin(), config.geneve_ports.end());
    for (const auto &[address, id] : ids) {
        datapath::SenderConfig row{address, id, {}};
        const auto found = paths.find(address);
        const bool checked = manifest.node.tunnel.sender_mac == SenderMac::on_link && found != paths.end() &&
                             found->second.on_link;
        if (checked && !found->second.path)
            continue; // nothing was sent there: nothing can come back
        if (checked)
            row.mac = found->second.path->destination;
        config.senders.push_back(row);
    }
}

/// Of a port: by the rule of Linux's tools for the names of VLAN devices ('.'), or as a key ('/').
std::string port_name(const guard::GuardPort &port, char between) {
    std::string name = port.interface;
    for (const auto vlan : port.vlans)
        if (vlan != 0)
            name += between + std::to_string(vlan);
    return name;
}

/// The devices by which the kernel receives a port's packets; those that it had, where none is there now.
std::vector<std::string> guarded_devices(const guard::GuardPort &port, const InterfaceRef &interface,
                                         const Snapshot &snapshot, const nlohmann::json &known) {
    std::vector<std::string> names;
    if (port.ifindex)
        for (const auto index : devices_of(snapshot, port.ifindex, interface.vlans))
            if (const auto *device = snapshot.link(index);
                device && device->kind != "vrf") // others' ports too
                add_once(names, device->name);
    if (!names.empty())
        return names;
    names.push_back(port_name(port, '.'));
    const auto found = known.is_object() ? known.find(port_name(port, '/')) : known.end();
    if (found != known.end() && found->is_array())
        for (const auto &name : *found)
            if (name.is_string())
                add_once(names, name.get<std::string>());
    return names;
}

} // namespace

std::array<std::uint32_t, GLB_NH_KEYS> steer_key(const std::vector<std::uint8_t> &seed) {
    std::array<std::uint32_t, GLB_NH_KEYS> key{};
    std::size_t at = 0;
    for (std::uint8_t counter = 0; at < key.size(); ++counter) {
        auto text = seed;
        text.push_back(counter);
        unsigned char digest[SHA256_DIGEST_LENGTH];
        SHA256(text.data(), text.size(), digest);
        for (std::size_t i = 0; i + 4 <= sizeof digest && at < key.size(); i += 4)
            key[at++] = std::uint32_t{digest[i]} << 24 | std::uint32_t{digest[i + 1]} << 16 |
                        std::uint32_t{digest[i + 2]} << 8 | digest[i + 3];
    }
    return key;
}

std::set<std::string> interface_names(const Manifest &manifest) {
    std::set<std::string> names{manifest.node.tunnel.interface.name};
    for (const auto &endpoint : manifest.endpoints)
        for (const auto &interface : endpoint.interfaces)
            names.insert(interface.name);
    return names;
}

datapath::BankConfig plan_bank(const Manifest &manifest, const IndexAllocator &book, const Snapshot &snapshot,
                               const MaglevGenerations &tables,
                               const std::map<std::string, TargetEntry> &fleet,
                               const std::map<IpAddress, ResolvedPath> &paths,
                               const std::array<std::uint32_t, GLB_NH_KEYS> &key) {
    datapath::BankConfig config;
    config.tunnel_address = manifest.node.tunnel.address;
    config.steer_key = key;
    plan_ports(config, manifest, book, snapshot);
    for (const auto &endpoint : manifest.endpoints) {
        datapath::EndpointConfig row;
        row.index = *book.find(Kind::endpoint, endpoint.name);
        row.id = endpoint.id;
        row.attachment = endpoint.attachment_id;
        row.route_table = endpoint.route_table == main_route_table ? 0 : endpoint.route_table;
        row.group = *book.find(Kind::group, endpoint.target_group);
        row.new_flows_per_second = endpoint.new_flows_per_source_per_second;
        config.endpoints.push_back(row);
    }
    plan_groups(config, manifest, book, tables);
    plan_targets(config, manifest, fleet, paths);
    return config;
}

guard::GuardPlan plan_guard(const Manifest &manifest, const IndexAllocator &book, const Snapshot &snapshot,
                            const nlohmann::json &known) {
    guard::GuardPlan plan;
    plan.mark_mask = manifest.node.mark_mask;
    const auto port_of = [&](const InterfaceRef &interface) {
        guard::GuardPort port;
        port.interface = interface.name;
        port.vlans = two_vlans(interface);
        if (const auto *link = snapshot.link(interface.name))
            port.ifindex = link->index;
        port.devices = guarded_devices(port, interface, snapshot, known);
        return port;
    };
    std::map<InterfaceRef, guard::GuardPort> ports;
    ports.emplace(manifest.node.tunnel.interface, port_of(manifest.node.tunnel.interface));
    for (const auto &endpoint : manifest.endpoints) {
        for (const auto &interface : endpoint.interfaces) {
            auto &port = ports.try_emplace(interface, port_of(interface)).first->second;
            port.endpoint = book.find(Kind::endpoint, endpoint.name);
            port.endpoint_name = endpoint.name;
            port.route_table = endpoint.route_table == main_route_table ? 0 : endpoint.route_table;
            port.when_detached = endpoint.when_detached;
        }
    }
    for (auto &[interface, port] : ports)
        plan.ports.push_back(std::move(port));
    return plan;
}

nlohmann::json known_devices(const guard::GuardPlan &plan) {
    auto names = nlohmann::json::object();
    for (const auto &port : plan.ports)
        names[port_name(port, '/')] = port.devices;
    return names;
}

std::map<std::uint32_t, glb_egress> plan_egress(const Snapshot &snapshot,
                                                const std::set<unsigned> &carriers) {
    std::map<std::uint32_t, glb_egress> rows;
    for (const auto &link : snapshot.links) {
        const auto port = resolve_port(snapshot, link.index);
        if (!port || !carriers.contains(port->ifindex))
            continue;
        const auto tags = tags_of(snapshot, link.index);
        if (tags.size() > 2)
            continue;
        glb_egress row{};
        row.ifindex = port->ifindex;
        row.mtu = static_cast<std::uint16_t>(std::min(link.mtu, 65535u));
        row.vlan_count = static_cast<std::uint16_t>(tags.size());
        for (std::size_t i = 0; i < tags.size(); ++i) {
            row.vlan_proto[i] = htons(tags[i].eth_proto);
            row.vlan_tci[i] = htons(tags[i].id);
        }
        rows.emplace(link.index, row);
    }
    return rows;
}

std::vector<std::pair<std::uint32_t, glb_next_hop>>
plan_next_hops(const Snapshot &snapshot, const std::map<std::uint32_t, glb_egress> &egress) {
    std::vector<std::pair<std::uint32_t, glb_next_hop>> hops;
    std::set<std::pair<unsigned, MacAddress>> seen;
    for (const auto &neighbour : snapshot.neighbours) {
        const auto row = egress.find(neighbour.ifindex);
        const auto *link = snapshot.link(neighbour.ifindex);
        if (row == egress.end() || !link || !neighbour.is_valid() || neighbour.mac.is_zero() ||
            !seen.emplace(neighbour.ifindex, neighbour.mac).second)
            continue;
        glb_next_hop hop{};
        std::memcpy(hop.destination, neighbour.mac.bytes.data(), sizeof hop.destination);
        std::memcpy(hop.source, link->mac.bytes.data(), sizeof hop.source);
        hop.egress = row->second;
        hops.emplace_back(neighbour.ifindex, hop);
    }
    return hops;
}

} // namespace glb
