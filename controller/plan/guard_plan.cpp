#include "controller/plan/guard_plan.h"

#include <algorithm>
#include <bit>
#include <map>
#include <set>

#include <nlohmann/json.hpp>

#include "abi/limits.h"
#include "controller/network/topology.h"
#include "controller/plan/bank_plan.h"
#include "controller/util/containers.h"

namespace glb::plan {
namespace {

// The blackhole comes first, so that no foreign rule in between routes a guarded packet.
constexpr std::uint32_t blackhole_priority = first_own_priority;
constexpr std::uint32_t lookup_priority = first_own_priority + 10;
constexpr std::uint32_t unreachable_priority = lookup_priority + 1;

// Names that the kernel's dev_valid_name() accepts, without characters that are special in an nftables
// string.
bool is_valid_in_rule(const std::string &name) {
    return name.size() < 16 && name.find_first_of("\"\\*/\n\t ") == std::string::npos;
}

std::set<std::uint16_t> endpoint_indexes(const GuardPlan &plan) {
    std::set<std::uint16_t> indexes;
    for (const auto &port : plan.ports)
        if (port.endpoint)
            indexes.insert(*port.endpoint);
    return indexes;
}

std::set<std::string> guarded_devices(const GuardPlan &plan) {
    std::set<std::string> names;
    for (const auto &port : plan.ports)
        if (port.is_guarded())
            names.insert(port.devices.begin(), port.devices.end());
    return names;
}

std::string mark_match(std::uint32_t mask, const char *relation, const std::string &value) {
    return fmt::format("meta mark and {:#010x} {} {}", mask, relation, value);
}

std::string endpoint_mark_set(const GuardPlan &plan) {
    std::string set;
    for (const auto index : endpoint_indexes(plan))
        set += fmt::format("{}{:#010x}", set.empty() ? "" : ", ", endpoint_mark(plan.mark_mask, index));
    return "{ " + set + " }";
}

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

/// The devices on which the kernel receives the interface's packets; if there are none, those that it had.
std::vector<std::string> device_names(const InterfaceRef &interface, const network::Snapshot &snapshot,
                                      const nlohmann::json &known) {
    std::vector<std::string> names;
    if (const auto *link = snapshot.link(interface.name))
        for (const auto index : network::receiving_devices(snapshot, link->index, interface.vlans))
            if (const auto *device = snapshot.link(index);
                device && device->kind != "vrf") // a VRF has other ports too
                push_back_unique(names, device->name);
    if (!names.empty())
        return names;
    const auto vlans = vlan_pair(interface);
    names.push_back(port_name(interface.name, vlans, '.'));
    const auto found = known.is_object() ? known.find(port_name(interface.name, vlans, '/')) : known.end();
    if (found != known.end() && found->is_array())
        for (const auto &name : *found)
            if (name.is_string())
                push_back_unique(names, name.get<std::string>());
    return names;
}

} // namespace

GuardPlan plan_guard(const config::Manifest &manifest, const IndexAllocator &indexes,
                     const network::Snapshot &snapshot, const nlohmann::json &known) {
    GuardPlan plan;
    plan.mark_mask = manifest.node.mark_mask;
    const auto plan_port = [&](const InterfaceRef &interface) {
        GuardedPort port;
        port.interface = interface.name;
        port.vlans = vlan_pair(interface);
        if (const auto *link = snapshot.link(interface.name))
            port.ifindex = link->index;
        port.devices = device_names(interface, snapshot, known);
        return port;
    };
    std::map<InterfaceRef, GuardedPort> ports;
    ports.emplace(manifest.node.tunnel.interface, plan_port(manifest.node.tunnel.interface));
    for (const auto &endpoint : manifest.endpoints) {
        for (const auto &interface : endpoint.interfaces) {
            auto &port = ports.try_emplace(interface, plan_port(interface)).first->second;
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

std::uint32_t guard_mark(std::uint32_t mask) {
    return mask;
}

std::uint32_t guard_seen_mark(std::uint32_t mask) {
    return mask & (mask - 1);
}

std::uint32_t endpoint_mark(std::uint32_t mask, std::uint16_t index) {
    std::uint32_t value = index + 1u, mark = 0;
    for (; mask && value; value >>= 1, mask &= mask - 1)
        if (value & 1)
            mark |= mask & -mask;
    return mark;
}

Status check_guard_plan(const GuardPlan &plan) {
    const unsigned bits = std::popcount(plan.mark_mask);
    const std::uint64_t all_ones = (std::uint64_t{1} << bits) - 1;
    std::map<std::uint16_t, std::uint32_t> tables;
    for (const auto &port : plan.ports) {
        auto names = port.devices;
        names.push_back(port.interface);
        for (const auto &name : names)
            if (!is_valid_in_rule(name))
                return fail("interface name \"{}\" is not valid in a guard rule", name);
        if (!port.endpoint)
            continue;
        if (*port.endpoint >= GLB_MAX_ENDPOINTS || *port.endpoint + 2u >= all_ones)
            return fail("node.markMask {:#010x} has {} bits, too few for the mark of endpoint {} (index {}): "
                        "set more bits",
                        plan.mark_mask, bits, port.endpoint_name, *port.endpoint);
        const auto [first, is_new] = tables.emplace(*port.endpoint, port.route_table);
        if (!is_new && first->second != port.route_table)
            return fail("endpoint {} has two route tables, {} and {}", port.endpoint_name, first->second,
                        port.route_table);
    }
    return {};
}

std::string guard_ruleset(const GuardPlan &plan, const PacketCount &counted) {
    // Priority raw on forward: before a firewall's chains, so that every blocked packet is counted here, and
    // before a mangle chain that could change the mark. Drop is a final verdict. On prerouting: notrack must
    // precede conntrack (-200).
    std::string text = "add table inet glb\n";
    text += fmt::format("add counter inet glb uninspected {{ packets {} bytes {} }}\n", counted.packets,
                        counted.bytes);
    text += "add chain inet glb prerouting { type filter hook prerouting priority raw ; policy accept ; }\n"
            "add chain inet glb forward { type filter hook forward priority raw ; policy accept ; }\n"
            "flush chain inet glb prerouting\n"
            "flush chain inet glb forward\n";
    const auto mask = plan.mark_mask, guard = guard_mark(mask), seen = guard_seen_mark(mask);
    // The blackhole rule would drop packets before forward counts them. This chain therefore replaces their
    // mark by one that forward drops; if the chain was flushed, the blackhole rule applies.
    text += fmt::format("add rule inet glb prerouting {} meta mark set meta mark and {:#010x} or {:#010x}\n",
                        mark_match(mask, "==", fmt::format("{:#010x}", guard)), ~mask, seen);
    if (!endpoint_indexes(plan).empty())
        text +=
            "add rule inet glb prerouting " + mark_match(mask, "", endpoint_mark_set(plan)) + " notrack\n";
    text += "add rule inet glb forward " +
            mark_match(mask, "", fmt::format("{{ {:#010x}, {:#010x} }}", seen, guard)) +
            " counter name uninspected drop\n";
    for (const auto &device : guarded_devices(plan))
        text += fmt::format("add rule inet glb forward iifname \"{}\" {} counter name uninspected drop\n",
                            device, mark_match(mask, "!=", endpoint_mark_set(plan)));
    return text;
}

std::vector<Rule> guard_routing_rules(const GuardPlan &plan) {
    std::set<Rule> rules;
    for (const auto family : {std::uint8_t{4}, std::uint8_t{6}}) {
        for (const auto &device : guarded_devices(plan)) {
            Rule rule;
            rule.family = family;
            rule.priority = blackhole_priority;
            rule.mark = guard_mark(plan.mark_mask);
            rule.mask = plan.mark_mask;
            rule.iif = device; // without it fwmark_reflect would drop the node's own replies
            rule.action = RuleAction::blackhole;
            rules.insert(rule);
        }
        for (const auto &port : plan.ports) {
            if (!port.endpoint || !port.route_table)
                continue;
            Rule rule;
            rule.family = family;
            rule.priority = lookup_priority;
            rule.mark = endpoint_mark(plan.mark_mask, *port.endpoint);
            rule.mask = plan.mark_mask;
            rule.table = port.route_table;
            rules.insert(rule);
            // Without a route in the table the look-up must not continue with other rules: main may lead to
            // another tenant.
            rule.priority = unreachable_priority;
            rule.action = RuleAction::unreachable;
            rule.table = 0;
            rules.insert(rule);
        }
    }
    return {rules.begin(), rules.end()};
}

std::vector<std::string> guard_devices(const GuardPlan &plan) {
    std::set<std::string> names;
    for (const auto &port : plan.ports) {
        names.insert(port.interface);
        names.insert(port.devices.begin(), port.devices.end());
    }
    return {names.begin(), names.end()};
}

std::vector<Sysctl> guard_sysctls(const GuardPlan &plan) {
    std::vector<Sysctl> list = {{"net/ipv4/fwmark_reflect", "1"}, {"net/ipv6/fwmark_reflect", "1"}};
    for (const auto &device : guard_devices(plan)) {
        const auto folder = "net/ipv4/conf/" + device + "/";
        // The maximum of `all` and the device applies: 0 would lose against all=1.
        list.push_back({folder + "rp_filter", "2"});
        // Otherwise rp_filter looks up main, which may lack a route to sources served by routeTable.
        list.push_back({folder + "src_valid_mark", "1"});
        list.push_back({folder + "send_redirects", "0"});
    }
    std::sort(list.begin(), list.end());
    return list;
}

std::vector<unsigned> guard_interfaces(const GuardPlan &plan) {
    std::set<unsigned> indexes;
    for (const auto &port : plan.ports)
        if (port.ifindex)
            indexes.insert(port.ifindex);
    return {indexes.begin(), indexes.end()};
}

} // namespace glb::plan
