// Rules: the routing policy database (`ip rule`).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lib/netlink/netlink.h"

namespace glb {

/// FRA_PROTOCOL of rules that glb installs. Not assigned in iproute2's rt_protos.
constexpr std::uint8_t own_rule_protocol = 199;

/// Priorities of rules that glb installs: after local (0), before main (32766) and before rules that an
/// operator adds without a priority (32765 downwards).
constexpr std::uint32_t first_own_priority = 100;
constexpr std::uint32_t last_own_priority = 199;

enum class RuleAction : std::uint8_t { lookup, blackhole, unreachable, other };

struct Rule {
    std::uint8_t family = 4; ///< 4 or 6
    std::uint32_t priority = 0;
    std::uint32_t mark = 0;
    std::uint32_t mask = 0; ///< 0: the mark is not matched
    std::string iif;        ///< empty: any
    RuleAction action = RuleAction::lookup;
    std::uint32_t table = 0; ///< of RuleAction::lookup
    std::uint8_t protocol = own_rule_protocol;
    bool l3mdev = false; ///< the rule that the kernel adds for VRFs

    [[nodiscard]] bool is_own() const; ///< installed by glb
    /// As `ip rule` prints it, for messages.
    [[nodiscard]] std::string to_string() const;
    auto operator<=>(const Rule &) const = default;
};

/// All rules of both families, in kernel order.
[[nodiscard]] Result<std::vector<Rule>> list_rules(Netlink &netlink);

/// Adds a rule. Succeeds if it exists.
[[nodiscard]] Status add_rule(Netlink &netlink, const Rule &rule);

/// Removes one rule that equals this one. Succeeds if there is none.
[[nodiscard]] Status remove_rule(Netlink &netlink, const Rule &rule);

} // namespace glb
