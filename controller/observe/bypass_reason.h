// Why an endpoint is bypassed.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "controller/config/manifest.h"
#include "controller/health/health_snapshot.h"
#include "controller/util/monotonic_time.h"

namespace glb::observe {

/// "operator", or "onAllUnhealthy" if the group has no healthy target and its policy is bypass; nullopt: the
/// endpoint is inspected. `bypasses`: those of operators, by endpoint.
[[nodiscard]] std::optional<std::string>
bypass_reason(const config::Endpoint &endpoint,
              const std::map<std::string, std::optional<MonotonicTime>> &bypasses,
              const health::HealthSnapshot &health);

} // namespace glb::observe
