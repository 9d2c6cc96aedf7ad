// Idle timeouts of the flows of each target.
#pragma once

#include "controller/config/manifest.h"
#include "controller/datapath/flow_table.h"
#include "controller/health/health_snapshot.h"

namespace glb::observe {

/// By target index: those of the target's group.
[[nodiscard]] datapath::TargetTimeouts target_timeouts(const config::Manifest &manifest,
                                                       const health::HealthSnapshot &health);

} // namespace glb::observe
