// GuardPlan: what the guard shall hold, and what follows from it: marks, nftables rules, routing rules,
// sysctls. Pure functions; nothing here asks or changes the kernel.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "controller/config/manifest.h"
#include "controller/network/rules.h"
#include "controller/util/result.h"

namespace glb::guard {

/// An (interface, VLAN) of the manifest.
struct GuardPort {
    std::string interface;
    unsigned ifindex = 0;                 ///< 0: it is absent now
    std::array<std::uint16_t, 2> vlans{}; ///< outer first, 0: none, as glb_logical_port_key() takes them
    std::vector<std::string> devices; ///< by which the kernel receives its packets (eth1; eth1.100 and br0)
    std::optional<std::uint16_t> endpoint; ///< the data path's index; none: a tunnel alone
    std::string endpoint_name;
    std::uint32_t route_table = 0; ///< 0: by the node's own rules
    WhenDetached when_detached = WhenDetached::drop;

    bool operator==(const GuardPort &) const = default;

    /// True where nothing may be forwarded that did not come through the door.
    [[nodiscard]] bool is_guarded() const { return endpoint && when_detached == WhenDetached::drop; }
};

struct GuardPlan {
    std::uint32_t mark_mask = 0x0fff0000;
    std::vector<GuardPort> ports;

    bool operator==(const GuardPlan &) const = default;
};

/// Marks, as values of the mask's bits: all ones is the guard's, index + 1 an endpoint's, 0 nobody's.
[[nodiscard]] std::uint32_t guard_mark(std::uint32_t mask);
/// All ones less the lowest bit: what nftables makes of the guard's mark, so that the blackhole rule takes
/// only what nftables did not see.
[[nodiscard]] std::uint32_t seen_mark(std::uint32_t mask);
/// The bits of `index + 1`, lowest first, laid into the mask's bits. Ask check_plan() whether it fits.
[[nodiscard]] std::uint32_t endpoint_mark(std::uint32_t mask, std::uint16_t index);

/// Fails where the mask has no room for an endpoint's mark beside 0 and the guard's two, where one endpoint
/// has two tables, or where a name could not stand in a rule.
[[nodiscard]] Status check_plan(const GuardPlan &plan);

struct Count {
    std::uint64_t packets = 0;
    std::uint64_t bytes = 0;
};

/// One nftables transaction that makes table `inet glb` what the plan wants, whatever stood in its chains.
/// The counter keeps its value where it exists and begins with `counted` where it does not.
[[nodiscard]] std::string ruleset_text(const GuardPlan &plan, const Count &counted);

/// The routing rules, both families, sorted.
[[nodiscard]] std::vector<Rule> routing_rules(const GuardPlan &plan);

struct Sysctl {
    std::string key; ///< below /proc/sys: "net/ipv4/conf/eth1/rp_filter"
    std::string value;
    auto operator<=>(const Sysctl &) const = default;
};
/// Sorted, each key once.
[[nodiscard]] std::vector<Sysctl> sysctls(const GuardPlan &plan);

/// The manifest's interfaces and their devices by name, sorted, each once.
[[nodiscard]] std::vector<std::string> devices(const GuardPlan &plan);

/// The interfaces that are there now, by index, sorted, each once: where a filter belongs.
[[nodiscard]] std::vector<unsigned> interfaces(const GuardPlan &plan);

} // namespace glb::guard
