// What is wrong with the node, from its snapshots. Private to the library.
#pragma once

#include <vector>

#include "controller/health/health_snapshot.h"
#include "controller/observe/node_snapshot.h"
#include "controller/util/condition.h"

namespace glb::observe {

/// Those that control publishes, and those that follow from target health: groups of endpoints without a healthy
/// target, unhealthy targets, checks that cannot be sent. Errors first.
[[nodiscard]] std::vector<HeldCondition> node_conditions(const NodeSnapshot &node,
                                                         const health::HealthSnapshot &health);

} // namespace glb::observe
