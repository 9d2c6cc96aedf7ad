#include "controller/observe/bypass_reason.h"

namespace glb::observe {

std::optional<std::string> bypass_reason(const config::Endpoint &endpoint,
                                         const std::map<std::string, std::optional<MonotonicTime>> &bypasses,
                                         const health::HealthSnapshot &health) {
    if (bypasses.contains(endpoint.name))
        return "operator";
    const auto group = health.groups.find(endpoint.target_group);
    if (group != health.groups.end() && group->second == health::GroupAction::bypass)
        return "onAllUnhealthy";
    return std::nullopt;
}

} // namespace glb::observe
