// Rules: the routing policy database (`ip rule`).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "controller/network/netlink.h"

namespace glb {

/// FRA_PROTOCOL of the rules that are ours. Not in use by any daemon of iproute2's rt_protos.
constexpr std::uint8_t own_rule_protocol = 199;

/// The priorities of our rules: behind local (0), before main (32766), and low enough to precede what a
/// person adds without saying where (32765 and down).
constexpr std::uint32_t first_own_priority = 100;
constexpr std::uint32_t last_own_priority = 199;

enum class RuleAction : std::uint8_t { lookup, blackhole, unreachable, other };

struct Rule {
    std::uint8_t family = 4; ///< 4 or 6
    std::uint32_t priority = 0;
    std::uint32_t mark = 0;
    std::uint32_t mask = 0; ///< 0: the rule does not look at the mark
    std::string iif;        ///< empty: any
    RuleAction action = RuleAction::lookup;
    std::uint32_t table = 0; ///< of a look-up
    std::uint8_t protocol = own_rule_protocol;
    bool l3mdev = false; ///< the one rule that VRFs put there

    [[nodiscard]] bool is_own() const;
    [[nodiscard]] std::string to_string() const;
    auto operator<=>(const Rule &) const = default;
};

/// All rules of both families, in the kernel's order.
[[nodiscard]] Result<std::vector<Rule>> list_rules(Netlink &netlink);

/// Adds a rule; one that is there already is no failure.
[[nodiscard]] Status add_rule(Netlink &netlink, const Rule &rule);

/// Removes one rule that is like this one; where there is none it is no failure.
[[nodiscard]] Status remove_rule(Netlink &netlink, const Rule &rule);

} // namespace glb
