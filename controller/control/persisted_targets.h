// The file format of what health persists: JSON values "health" and "drains" of the state store.
#pragma once

#include <nlohmann/json.hpp>

#include "controller/health/persisted.h"

namespace glb::control {

/// {"GROUP/TARGET": {"state","reason","failures","inBand"}}
[[nodiscard]] nlohmann::json health_to_json(const health::PersistedTargets &targets);
/// {"removed": {name: {"until","policy"}}, "ordered": {name: {"until"}}}; null if there are none.
[[nodiscard]] nlohmann::json drains_to_json(const health::PersistedTargets &targets);

/// Invalid entries are skipped.
[[nodiscard]] health::PersistedTargets persisted_targets(const nlohmann::json &health,
                                                         const nlohmann::json &drains);

} // namespace glb::control
