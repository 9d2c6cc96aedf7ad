#include "controller/plan/guard_plan.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <map>
#include <set>
#include <tuple>

#include <nlohmann/json.hpp>

#include "abi/limits.h"
#include "controller/network/topology.h"
#include "controller/plan/bank_plan.h"
#include "controller/plan/guard_bridges.h"
#include "controller/util/containers.h"

namespace glb::plan {
namespace {

// The blackhole comes first, so that no foreign rule in between routes a guarded packet.
constexpr std::uint32_t blackhole_priority = first_own_priority;
constexpr std::uint32_t lookup_priority = first_own_priority + 10;
constexpr std::uint32_t unreachable_priority = lookup_priority + 1;
constexpr std::uint32_t probe_priority = lookup_priority + 2;

constexpr auto closed_mac =
    "01:80:c2:00:00:01"; // of punted packets that no filter has admitted: bpf/forward/punt.h

constexpr std::int32_t last_hook_priority = std::numeric_limits<std::int32_t>::max(); // NF_IP_PRI_LAST

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

std::string mark_match(std::uint32_t mask, const char *relation, const std::string &value) {
    return fmt::format("meta mark and {:#010x} {} {}", mask, relation, value);
}

std::string is_probe(std::uint32_t mask) {
    return fmt::format("meta mark and {:#010x} == {:#010x}", probe_mask(mask), probe_mark(mask));
}

std::set<std::uint16_t> endpoints_with_table(const GuardPlan &plan) {
    std::set<std::uint16_t> indexes;
    for (const auto &port : plan.ports)
        if (port.endpoint && port.route_table)
            indexes.insert(*port.endpoint);
    return indexes;
}

std::string mark_set(const GuardPlan &plan, const std::set<std::uint16_t> &endpoints) {
    std::string set;
    for (const auto index : endpoints)
        set += fmt::format("{}{:#010x}", set.empty() ? "" : ", ", endpoint_mark(plan.mark_mask, index));
    return "{ " + set + " }";
}

/// The marks of all endpoints, by name: with a set of its own in each device's rules, the table would grow with the
/// square of their number.
std::string endpoint_marks_definition(const GuardPlan &plan) {
    const auto set = std::string("set inet glb ") + endpoint_marks;
    auto text = fmt::format("add {0} {{ type mark ; }}\nflush {0}\n", set);
    if (const auto indexes = endpoint_indexes(plan); !indexes.empty())
        text += fmt::format("add element inet glb {} {}\n", endpoint_marks, mark_set(plan, indexes));
    return text;
}

std::string in_endpoint_marks() {
    return std::string("@") + endpoint_marks;
}

/// A statement that replaces the mark's bits in `mask` by `mark`.
std::string set_mark(std::uint32_t mask, std::uint32_t mark) {
    return fmt::format("meta mark set meta mark and {:#010x} or {:#010x}", ~mask, mark);
}

} // namespace

std::uint32_t guard_mark(std::uint32_t mask) {
    return mask;
}

std::uint32_t guard_seen_mark(std::uint32_t mask) {
    return mask & (mask - 1);
}

std::uint32_t probe_mark(std::uint32_t mask) {
    return std::bit_floor(mask);
}

std::uint32_t probe_mask(std::uint32_t mask) {
    return probe_mark(mask) | std::bit_floor(mask & ~probe_mark(mask));
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
        const bool is_probe =
            port.route_table && (endpoint_mark(plan.mark_mask, *port.endpoint) & probe_mask(plan.mark_mask));
        if (*port.endpoint >= GLB_MAX_ENDPOINTS || *port.endpoint + 2u >= all_ones || is_probe)
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

namespace {

/// Chain prerouting: before conntrack (-200), for notrack.
std::string prerouting_rules(const GuardPlan &plan) {
    const auto mask = plan.mark_mask;
    // The blackhole rule would drop packets before forward counts them. This chain therefore replaces their
    // mark by one that forward drops; if the chain was flushed, the blackhole rule applies.
    auto text = fmt::format("add rule inet glb prerouting {} {}\n",
                            mark_match(mask, "==", fmt::format("{:#010x}", guard_mark(mask))),
                            set_mark(mask, guard_seen_mark(mask)));
    if (!endpoint_indexes(plan).empty())
        text += "add rule inet glb prerouting " + mark_match(mask, "", in_endpoint_marks()) + " notrack\n";
    return text;
}

/// The tc filter leaves punted packets as multicast frames with the host's MAC, which the stack does not forward. Those
/// whose mark was cleared become the host's as well, for chain forward to drop and count them.
std::string admit_rules(const GuardPlan &plan) {
    const auto mask = plan.mark_mask;
    const auto marks = in_endpoint_marks(), seen = fmt::format("{{ {:#010x} }}", guard_seen_mark(mask));
    std::string text;
    for (const auto &[value, daddr] :
         {std::pair{marks, ""}, {seen, "ip daddr != 224.0.0.0/4 "}, {seen, "ip6 daddr != ff00::/8 "}})
        text += fmt::format(
            "add rule inet glb routing {} meta pkttype multicast {}ether daddr != {} meta pkttype set "
            "host\n",
            mark_match(mask, "", value), daddr, closed_mac);
    return text;
}

/// Chain routing: the last one before the routing decision, after all that may change the mark.
std::string routing_rules(const GuardPlan &plan, bool with_probe) {
    const auto mask = plan.mark_mask;
    std::string text;
    for (const auto &device : guarded_devices(plan))
        text += fmt::format("add rule inet glb routing {} {}\n",
                            unmarked_match(plan, device, {other_port_mark(mask)}),
                            set_mark(mask, guard_seen_mark(mask)));
    text += endpoint_indexes(plan).empty() ? "" : admit_rules(plan);
    const auto with_table = endpoints_with_table(plan);
    if (!with_probe || with_table.empty())
        return text;
    // With the routing rules, a look-up with the probe's mark finds nothing. Without them it finds what the node's
    // other rules lead to, and so would the endpoint's mark.
    const auto probe = probe_mark(mask);
    return text + fmt::format(
                      "add rule inet glb routing {} meta mark set meta mark or {:#010x}\n"
                      "add rule inet glb routing {} fib daddr . mark oif != 0 counter name uninspected drop\n"
                      "add rule inet glb routing {} meta mark set meta mark and {:#010x}\n",
                      mark_match(mask, "", mark_set(plan, with_table)), probe, is_probe(mask), is_probe(mask),
                      ~probe);
}

/// Chain forward. A packet's interface is matched as well, for one whose mark the chain before did not see.
std::string forward_rules(const GuardPlan &plan) {
    const auto mask = plan.mark_mask;
    auto text = "add rule inet glb forward " +
                mark_match(mask, "",
                           fmt::format("{{ {:#010x}, {:#010x} }}", guard_seen_mark(mask), guard_mark(mask))) +
                " counter name uninspected drop\n";
    for (const auto &device : guarded_devices(plan))
        text += fmt::format("add rule inet glb forward {} counter name uninspected drop\n",
                            unmarked_match(plan, device, {other_port_mark(mask), bridged_mark(mask)}));
    if (!guarded_bridges(plan).empty())
        text += fmt::format("add rule inet glb forward {} {}\n",
                            mark_match(mask, "==", fmt::format("{:#010x}", other_port_mark(mask))),
                            set_mark(mask, 0));
    return text;
}

} // namespace

PacketCount growth(const PacketCount &before, const PacketCount &now) {
    if (now.packets < before.packets || now.bytes < before.bytes)
        return now;
    return {now.packets - before.packets, now.bytes - before.bytes};
}

std::string guard_ruleset(const GuardPlan &plan, const PacketCount &counted, bool with_probe, bool anew) {
    // Priority raw on forward: before a firewall's chains, so that every blocked packet is counted here, and
    // before a mangle chain that could change the mark. Drop is a final verdict.
    auto text = fmt::format("add table inet glb\n"
                            "add counter inet glb uninspected {{ packets {} bytes {} }}\n",
                            counted.packets, counted.bytes);
    const auto raw = std::string("raw"), last = std::to_string(last_hook_priority);
    for (const auto &[chain, hook, priority] : {std::tuple{"prerouting", "prerouting", raw},
                                                {"routing", "prerouting", last},
                                                {"forward", "forward", raw}}) {
        if (anew) // `add` first: what is missing cannot be deleted
            text += fmt::format(
                "add chain inet glb {0}\nflush chain inet glb {0}\ndelete chain inet glb {0}\n", chain);
        text +=
            fmt::format("add chain inet glb {0} {{ type filter hook {1} priority {2} ; policy accept ; }}\n"
                        "flush chain inet glb {0}\n",
                        chain, hook, priority);
    }
    return text + endpoint_marks_definition(plan) + prerouting_rules(plan) + routing_rules(plan, with_probe) +
           forward_rules(plan);
}

std::vector<Rule> guard_routing_rules(const GuardPlan &plan) {
    std::set<Rule> rules;
    const auto add = [&rules](Rule rule) {
        for (const auto family : {std::uint8_t{4}, std::uint8_t{6}}) {
            rule.family = family;
            rules.insert(rule);
        }
    };
    Rule rule;
    rule.mask = plan.mark_mask;
    // (None for packets without a mark: the reverse path check of a packet that leaves by the device would meet it.)
    rule.action = RuleAction::blackhole;
    for (const auto &device : guarded_devices(plan)) {
        rule.iif = device; // without it fwmark_reflect would drop the node's own replies
        rule.priority = blackhole_priority;
        rule.mark = guard_mark(plan.mark_mask);
        add(rule);
    }
    rule.iif.clear();
    for (const auto &port : plan.ports) {
        if (!port.endpoint || !port.route_table)
            continue;
        rule.priority = lookup_priority;
        rule.mark = endpoint_mark(plan.mark_mask, *port.endpoint);
        rule.action = RuleAction::lookup;
        rule.table = port.route_table;
        add(rule);
        // Without a route in the table the look-up must not continue with other rules: main may lead to
        // another tenant.
        rule.priority = unreachable_priority;
        rule.action = RuleAction::unreachable;
        rule.table = 0;
        add(rule);
    }
    if (!endpoints_with_table(plan).empty()) {
        rule.priority = probe_priority;
        rule.mark = probe_mark(plan.mark_mask);
        rule.mask = probe_mask(plan.mark_mask);
        add(rule);
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
    // Redirects of punted packets would lead hosts past the node; a device sends them if `all` or its own value is 1.
    list.push_back({"net/ipv4/conf/all/send_redirects", "0"});
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

std::set<std::string> guarded_devices(const GuardPlan &plan) {
    std::set<std::string> names;
    for (const auto &port : plan.ports)
        if (port.is_guarded())
            names.insert(port.devices.begin(), port.devices.end());
    return names;
}

std::vector<unsigned> guard_interfaces(const GuardPlan &plan) {
    std::set<unsigned> indexes;
    for (const auto &port : plan.ports)
        if (port.ifindex)
            indexes.insert(port.ifindex);
    return {indexes.begin(), indexes.end()};
}

} // namespace glb::plan
