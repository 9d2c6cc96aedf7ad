// Which targets the node can reach, as evidence about their health. Pure.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>

#include "controller/health/health_snapshot.h"
#include "controller/network/path_resolver.h"

namespace glb::control {

/// By name; false: packets do not reach the target. A missing route or interface is no evidence about a target: it
/// does not count where it concerns all targets of a group. While others of the group can be reached, it does, since
/// their flows need one that can.
[[nodiscard]] inline std::map<std::string, bool>
reachable_targets(const health::HealthSnapshot &health,
                  const std::function<network::Reach(const IpAddress &)> &reach) {
    std::set<std::string> groups; // with a target that can be reached
    for (const auto &target : health.targets)
        if (!target.drain_until && reach(target.target.address) == network::Reach::reachable)
            groups.insert(target.group);
    std::map<std::string, bool> reachable;
    for (const auto &target : health.targets) {
        const auto known = reach(target.target.address);
        reachable[target.name] = known == network::Reach::reachable ||
                                 (known == network::Reach::local_problem && !groups.contains(target.group));
    }
    return reachable;
}

} // namespace glb::control
