// What the guard cannot mend but a person should know.
#pragma once

#include <string>
#include <vector>

#include "controller/plan/guard_plan.h"

namespace glb::guard {

/// Of `nft -j list ruleset`: tables of others that translate addresses or look at forwarded packets, and
/// flowtables, whose packets pass by every forward chain.
[[nodiscard]] std::vector<std::string> table_warnings(const std::string &ruleset_json);

/// Of all routing rules: those that match an ingress interface, and VRFs. The data path's look-up sees the
/// tunnel as ingress and will not match them.
[[nodiscard]] std::vector<std::string> rule_warnings(const std::vector<Rule> &rules);

/// One line for each forwarding sysctl that is off, with the command that turns it on. Asks /proc/sys.
[[nodiscard]] std::vector<std::string> missing_forwarding(const GuardPlan &plan);

} // namespace glb::guard
