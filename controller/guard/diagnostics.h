// Diagnostics: configuration that the guard cannot repair and an operator should know about.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "controller/guard/filter.h"
#include "controller/guard/tcx.h"
#include "controller/util/condition.h"
#include "lib/netlink/rules.h"

namespace glb::guard {

/// Of the guard: "inet glb", "bridge glb".
[[nodiscard]] bool is_own_table(const std::string &family_and_name);

/// From `nft -j list ruleset`: foreign chains that do NAT or filter forwarded packets, and flowtables, whose
/// packets bypass all forward chains.
[[nodiscard]] std::vector<Condition> table_conditions(const std::string &ruleset_json);

/// From all routing rules: those that match an ingress interface, and VRFs. The data path's FIB look-up has
/// the tunnel as ingress interface and does not match them.
[[nodiscard]] std::vector<Condition> rule_conditions(const std::vector<Rule> &rules);

/// A filter of another program that runs before the guard's.
[[nodiscard]] Condition foreign_filter(const std::string &interface, const Filter &filter);

/// tcx programs: one that returns anything but TCX_NEXT keeps the guard's filter from running.
[[nodiscard]] std::vector<Condition> tcx_conditions(const std::string &interface,
                                                    const std::vector<TcxProgram> &programs);

/// For a kernel without the module nft_fib_inet.
[[nodiscard]] Condition missing_probe();

/// Forwarding sysctls of `devices` that are off, with the command that enables each. Reads /proc/sys.
[[nodiscard]] std::vector<Condition> missing_forwarding(const std::set<std::string> &devices);

} // namespace glb::guard
