// The guard where an endpoint's interface is a port of a bridge. The stack receives by the bridge's name what entered
// by any of its ports; only in the hooks of the bridge family is the port known. Table `bridge glb` tells them apart by
// a mark, which chains of table `inet glb` require. Pure functions.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <set>
#include <string>
#include <vector>

#include "controller/plan/guard_plan.h"

namespace glb::plan {

/// Those of a port's devices that also receive what enters by a bridge's other ports, behind the first one: that is the
/// interface or its VLAN device, and all that it receives is the endpoint's. One that does not exist may be a bridge
/// when it does.
[[nodiscard]] std::vector<std::string> find_bridges(const std::vector<std::string> &devices,
                                                    const network::Snapshot &snapshot);

/// The guarded devices that also receive what enters by ports of a bridge that are not the guard's. None if
/// can_tell_ports() is false.
[[nodiscard]] std::set<std::string> guarded_bridges(const GuardPlan &plan);

/// False if node.markMask has no room for the marks below: then all ports of a bridge are treated as guarded ones.
[[nodiscard]] bool can_tell_ports(const GuardPlan &plan);

/// All ones but the second lowest bit: the packet entered a bridge by a port that is not guarded.
[[nodiscard]] std::uint32_t other_port_mark(std::uint32_t mask);
/// All ones but the third lowest bit: the packet entered by a guarded port, and the bridge sends it by another port.
/// Not routed: with br_netfilter it passes the forward hook of table `inet glb` all the same.
[[nodiscard]] std::uint32_t bridged_mark(std::uint32_t mask);

/// The name of the set of all endpoints' marks in table `inet glb`.
inline constexpr auto endpoint_marks = "endpoint_marks";

/// The condition of a packet that entered by the device and must not be forwarded: its mark is no endpoint's nor, where
/// the device is a guarded bridge, one of `exempt`.
[[nodiscard]] std::string unmarked_match(const GuardPlan &plan, const std::string &device,
                                         std::initializer_list<std::uint32_t> exempt);

/// One nftables transaction that sets table `bridge glb` to the plan, whatever its chains contain. The plan has
/// guarded_bridges(). `anew`: as for guard_ruleset(). Without this table nothing that enters by a guarded bridge is
/// forwarded.
[[nodiscard]] std::string bridge_ruleset(const GuardPlan &plan, bool anew = false);

} // namespace glb::plan
