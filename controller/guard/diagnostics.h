// Diagnostics: configuration that the guard cannot repair and an operator should know about.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "lib/netlink/rules.h"

namespace glb::guard {

/// From `nft -j list ruleset`: foreign chains that do NAT or filter forwarded packets, and flowtables, whose
/// packets bypass all forward chains.
[[nodiscard]] std::vector<std::string> table_warnings(const std::string &ruleset_json);

/// From all routing rules: those that match an ingress interface, and VRFs. The data path's FIB look-up has
/// the tunnel as ingress interface and does not match them.
[[nodiscard]] std::vector<std::string> rule_warnings(const std::vector<Rule> &rules);

/// One line per forwarding sysctl of `devices` that is off, with the command that enables it. Reads /proc/sys.
[[nodiscard]] std::vector<std::string> missing_forwarding(const std::set<std::string> &devices);

} // namespace glb::guard
