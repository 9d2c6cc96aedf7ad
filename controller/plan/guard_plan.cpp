#include "controller/plan/guard_plan.h"

#include <algorithm>
#include <bit>
#include <map>
#include <set>

#include <abi/limits.h>

namespace glb::guard {
namespace {

// A foreign rule in between could not lead a guarded packet elsewhere: the blackhole comes first.
constexpr std::uint32_t blackhole_priority = first_own_priority;
constexpr std::uint32_t lookup_priority = first_own_priority + 10;
constexpr std::uint32_t unreachable_priority = lookup_priority + 1;

// What dev_valid_name() lets through, less what ends a string in nftables' language.
bool can_stand_in_a_rule(const std::string &name) {
    return name.size() < 16 && name.find_first_of("\"\\*/\n\t ") == std::string::npos;
}

std::set<std::uint16_t> endpoints(const GuardPlan &plan) {
    std::set<std::uint16_t> found;
    for (const auto &port : plan.ports)
        if (port.endpoint)
            found.insert(*port.endpoint);
    return found;
}

std::set<std::string> guarded_devices(const GuardPlan &plan) {
    std::set<std::string> found;
    for (const auto &port : plan.ports)
        if (port.is_guarded())
            found.insert(port.devices.begin(), port.devices.end());
    return found;
}

std::string mark_is(std::uint32_t mask, const char *relation, const std::string &value) {
    return fmt::format("meta mark and {:#010x} {} {}", mask, relation, value);
}

std::string endpoint_mark_set(const GuardPlan &plan) {
    std::string set;
    for (const auto index : endpoints(plan))
        set += fmt::format("{}{:#010x}", set.empty() ? "" : ", ", endpoint_mark(plan.mark_mask, index));
    return "{ " + set + " }";
}

} // namespace

std::uint32_t guard_mark(std::uint32_t mask) {
    return mask;
}

std::uint32_t seen_mark(std::uint32_t mask) {
    return mask & (mask - 1);
}

std::uint32_t endpoint_mark(std::uint32_t mask, std::uint16_t index) {
    std::uint32_t value = index + 1u, mark = 0;
    for (; mask && value; value >>= 1, mask &= mask - 1)
        if (value & 1)
            mark |= mask & -mask;
    return mark;
}

Status check_plan(const GuardPlan &plan) {
    const unsigned bits = std::popcount(plan.mark_mask);
    const std::uint64_t all_ones = (std::uint64_t{1} << bits) - 1;
    std::map<std::uint16_t, std::uint32_t> tables;
    for (const auto &port : plan.ports) {
        auto names = port.devices;
        names.push_back(port.interface);
        for (const auto &name : names)
            if (!can_stand_in_a_rule(name))
                return fail("the guard cannot name interface \"{}\" in a rule", name);
        if (!port.endpoint)
            continue;
        if (*port.endpoint >= GLB_MAX_ENDPOINTS || *port.endpoint + 2u >= all_ones)
            return fail("node.markMask {:#010x} has {} bits: no room for the mark of endpoint {} (index {})",
                        plan.mark_mask, bits, port.endpoint_name, *port.endpoint);
        const auto [known, is_new] = tables.emplace(*port.endpoint, port.route_table);
        if (!is_new && known->second != port.route_table)
            return fail("endpoint {} has two route tables, {} and {}", port.endpoint_name, known->second,
                        port.route_table);
    }
    return {};
}

std::string ruleset_text(const GuardPlan &plan, const Count &counted) {
    // Priority raw on forward: before the chains of a firewall, so that each packet which must not pass is
    // counted here and not in a drop of theirs, and before any mangle chain that could change the mark. A
    // drop is final whatever comes later. On prerouting: notrack must come before conntrack (-200).
    std::string text = "add table inet glb\n";
    text += fmt::format("add counter inet glb uninspected {{ packets {} bytes {} }}\n", counted.packets,
                        counted.bytes);
    text += "add chain inet glb prerouting { type filter hook prerouting priority raw ; policy accept ; }\n"
            "add chain inet glb forward { type filter hook forward priority raw ; policy accept ; }\n"
            "flush chain inet glb prerouting\n"
            "flush chain inet glb forward\n";
    const auto mask = plan.mark_mask, guard = guard_mark(mask), seen = seen_mark(mask);
    // The blackhole rule would swallow packets before forward could count them. While this chain stands it
    // gives them another mark, which forward drops; once it is flushed they run into the blackhole.
    text += fmt::format("add rule inet glb prerouting {} meta mark set meta mark and {:#010x} or {:#010x}\n",
                        mark_is(mask, "==", fmt::format("{:#010x}", guard)), ~mask, seen);
    if (!endpoints(plan).empty())
        text += "add rule inet glb prerouting " + mark_is(mask, "", endpoint_mark_set(plan)) + " notrack\n";
    text += "add rule inet glb forward " +
            mark_is(mask, "", fmt::format("{{ {:#010x}, {:#010x} }}", seen, guard)) +
            " counter name uninspected drop\n";
    for (const auto &device : guarded_devices(plan))
        text += fmt::format("add rule inet glb forward iifname \"{}\" {} counter name uninspected drop\n",
                            device, mark_is(mask, "!=", endpoint_mark_set(plan)));
    return text;
}

std::vector<Rule> routing_rules(const GuardPlan &plan) {
    std::set<Rule> rules;
    for (const auto family : {std::uint8_t{4}, std::uint8_t{6}}) {
        for (const auto &device : guarded_devices(plan)) {
            Rule rule;
            rule.family = family;
            rule.priority = blackhole_priority;
            rule.mark = guard_mark(plan.mark_mask);
            rule.mask = plan.mark_mask;
            rule.iif = device; // without it fwmark_reflect would kill the node's own answers
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
            // What the table has no route for must not go on to the rules of others: main may lead to another
            // tenant.
            rule.priority = unreachable_priority;
            rule.action = RuleAction::unreachable;
            rule.table = 0;
            rules.insert(rule);
        }
    }
    return {rules.begin(), rules.end()};
}

std::vector<std::string> devices(const GuardPlan &plan) {
    std::set<std::string> names;
    for (const auto &port : plan.ports) {
        names.insert(port.interface);
        names.insert(port.devices.begin(), port.devices.end());
    }
    return {names.begin(), names.end()};
}

std::vector<Sysctl> sysctls(const GuardPlan &plan) {
    std::vector<Sysctl> list = {{"net/ipv4/fwmark_reflect", "1"}, {"net/ipv6/fwmark_reflect", "1"}};
    for (const auto &device : devices(plan)) {
        const auto folder = "net/ipv4/conf/" + device + "/";
        // The greater of all and the device counts: 0 would lose against all=1.
        list.push_back({folder + "rp_filter", "2"});
        // Else rp_filter asks main, which may know no way back to what routeTable serves.
        list.push_back({folder + "src_valid_mark", "1"});
        list.push_back({folder + "send_redirects", "0"});
    }
    std::sort(list.begin(), list.end());
    return list;
}

std::vector<unsigned> interfaces(const GuardPlan &plan) {
    std::set<unsigned> found;
    for (const auto &port : plan.ports)
        if (port.ifindex)
            found.insert(port.ifindex);
    return {found.begin(), found.end()};
}

} // namespace glb::guard
