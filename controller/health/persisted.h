// State of the targets that is persisted across restarts of the daemon. The file format is in control/.
#pragma once

#include <map>
#include <string>

#include "controller/config/policies.h"
#include "controller/health/target_health.h"
#include "controller/util/monotonic_time.h"

namespace glb::health {

struct PersistedRemoval {
    MonotonicTime until; ///< deadline of the drain
    config::FailurePolicy policy = config::FailurePolicy::rehash;

    bool operator==(const PersistedRemoval &) const = default;
};

/// By name (group/id).
struct PersistedTargets {
    std::map<std::string, PersistedHealth> health;
    std::map<std::string, PersistedRemoval> removed;      ///< targets that drain after their removal
    std::map<std::string, MonotonicTime> operator_drains; ///< deadlines

    bool operator==(const PersistedTargets &) const = default;
};

} // namespace glb::health
