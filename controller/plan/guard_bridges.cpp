#include "controller/plan/guard_bridges.h"

#include <algorithm>
#include <bit>
#include <tuple>

#include <fmt/format.h>

#include "controller/network/topology.h"

namespace glb::plan {
namespace {

constexpr std::uint32_t lowest_bit(std::uint32_t mask) {
    return mask & -mask;
}

/// The devices by which packets of guarded ports may enter a bridge.
std::string guarded_port_set(const GuardPlan &plan) {
    const auto bridges = guarded_bridges(plan);
    std::set<std::string> names;
    for (const auto &port : plan.ports) {
        if (!port.is_guarded())
            continue;
        names.insert(port.interface);
        names.insert(port.devices.begin(), port.devices.end());
    }
    std::string text;
    for (const auto &name : names)
        if (!bridges.contains(name))
            text += fmt::format("{}\"{}\"", text.empty() ? "" : ", ", name);
    return "{ " + text + " }";
}

/// Matches packets with one of `marks` in the mask's bits, and replaces these by `mark`.
std::string change_mark(std::uint32_t mask, const std::string &marks, std::uint32_t mark) {
    return fmt::format("meta mark and {:#010x} {} meta mark set meta mark and {:#010x} or {:#010x}", mask,
                       marks, ~mask, mark);
}

std::string hex(std::uint32_t mark) {
    return fmt::format("{:#010x}", mark);
}

std::string rules(const GuardPlan &plan) {
    const auto mask = plan.mark_mask;
    const auto ports = guarded_port_set(plan), bridged = hex(bridged_mark(mask)),
               other = hex(other_port_mark(mask)),
               stopped =
                   fmt::format("{{ {}, {}, {} }}", hex(0), hex(guard_mark(mask)), hex(guard_seen_mark(mask)));
    return fmt::format("add rule bridge glb prerouting iifname != {} {}\n", ports,
                       change_mark(mask, hex(0), other_port_mark(mask))) +
           fmt::format("add rule bridge glb forward iifname {} {}\n", ports,
                       change_mark(mask, stopped, bridged_mark(mask))) +
           // It may come back to the stack by another interface, to which the port would lead.
           fmt::format("add rule bridge glb postrouting {}\n", change_mark(mask, bridged, guard_mark(mask))) +
           fmt::format("add rule bridge glb postrouting {}\n", change_mark(mask, other, 0));
}

} // namespace

std::vector<std::string> find_bridges(const std::vector<std::string> &devices,
                                      const network::Snapshot &snapshot) {
    std::vector<std::string> bridges;
    for (std::size_t i = 1; i < devices.size(); ++i)
        if (const auto *link = snapshot.link(devices[i]);
            !link || network::receives_from_bridge(snapshot, link->index))
            bridges.push_back(devices[i]);
    return bridges;
}

bool can_tell_ports(const GuardPlan &plan) {
    const unsigned bits = std::popcount(plan.mark_mask);
    const std::uint64_t all_ones = (std::uint64_t{1} << bits) - 1;
    // With four bits a mark would be a probe's. The marks are the highest number, and those less 1, 2 and 4.
    return bits >= 5 && std::ranges::none_of(plan.ports, [&](const GuardedPort &port) {
               return port.endpoint && *port.endpoint + 1u >= all_ones - 4;
           });
}

std::set<std::string> guarded_bridges(const GuardPlan &plan) {
    std::set<std::string> bridges;
    if (!can_tell_ports(plan))
        return bridges;
    for (const auto &port : plan.ports)
        if (port.is_guarded())
            bridges.insert(port.bridges.begin(), port.bridges.end());
    for (const auto &port : plan.ports) // a bridge that is an endpoint's interface has no other ports
        if (port.is_guarded()) {
            bridges.erase(port.interface);
            if (!port.devices.empty())
                bridges.erase(port.devices.front());
        }
    return bridges;
}

std::uint32_t other_port_mark(std::uint32_t mask) {
    return mask & ~lowest_bit(guard_seen_mark(mask));
}

std::uint32_t bridged_mark(std::uint32_t mask) {
    const auto rest = guard_seen_mark(mask);
    return mask & ~lowest_bit(rest & ~lowest_bit(rest));
}

std::string unmarked_match(const GuardPlan &plan, const std::string &device,
                           std::initializer_list<std::uint32_t> exempt) {
    const auto bits = "meta mark and " + hex(plan.mark_mask);
    auto text = fmt::format("iifname \"{}\" {} != @{}", device, bits, endpoint_marks);
    if (!guarded_bridges(plan).contains(device))
        return text;
    std::string marks;
    for (const auto mark : exempt)
        marks += (marks.empty() ? "" : ", ") + hex(mark);
    return text + fmt::format(" {} != {{ {} }}", bits, marks);
}

std::string bridge_ruleset(const GuardPlan &plan, bool anew) {
    std::string text = "add table bridge glb\n";
    // br_netfilter runs the chains of table `inet glb` at 0 in prerouting, at -1 in forward and last in postrouting:
    // ours come just before, after what others do to marks.
    for (const auto &[chain, priority] :
         {std::tuple{"prerouting", -1}, {"forward", -2}, {"postrouting", 0}}) {
        if (anew)
            text += fmt::format(
                "add chain bridge glb {0}\nflush chain bridge glb {0}\ndelete chain bridge glb {0}\n", chain);
        text +=
            fmt::format("add chain bridge glb {0} {{ type filter hook {0} priority {1} ; policy accept ; }}\n"
                        "flush chain bridge glb {0}\n",
                        chain, priority);
    }
    return text + rules(plan);
}

} // namespace glb::plan
