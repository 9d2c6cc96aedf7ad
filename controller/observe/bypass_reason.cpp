#include "controller/observe/bypass_reason.h"

namespace glb {

std::optional<std::string> bypass_reason(const Endpoint &endpoint,
                                         const std::map<std::string, std::optional<MonotonicTime>> &bypasses,
                                         const HealthSnapshot &health) {
    if (bypasses.contains(endpoint.name))
        return "operator";
    const auto group = health.groups.find(endpoint.target_group);
    if (group != health.groups.end() && group->second == GroupAction::bypass)
        return "onAllUnhealthy";
    return std::nullopt;
}

} // namespace glb
