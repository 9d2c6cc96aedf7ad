// Mark users: what else on the node uses the bits of packet marks that are the guard's (node.markMask).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "controller/guard/filter.h"
#include "controller/util/condition.h"
#include "lib/netlink/rules.h"

namespace glb::guard {

/// From `nft -j list ruleset`: rules of any hook that change one of these bits, and tables with rules of iptables that
/// nft cannot show. The guard's own are not among them.
[[nodiscard]] std::vector<Condition> nftables_mark_users(const std::string &ruleset_json,
                                                         std::uint32_t mark_mask);

/// Rules other than the guard's that match one of these bits.
[[nodiscard]] std::vector<Condition> rule_mark_users(const std::vector<Rule> &rules, std::uint32_t mark_mask);

/// Filters at ingress of `interface` that run after the guard's and change one of these bits, or may. All of them, in
/// their order; without the guard's there are none.
[[nodiscard]] std::vector<Condition>
filter_mark_users(const std::string &interface, const std::vector<Filter> &filters, std::uint32_t mark_mask);

/// The tables of iptables-legacy, which nft does not list. Reads the calling thread's network namespace.
[[nodiscard]] std::vector<Condition> legacy_tables();

} // namespace glb::guard
