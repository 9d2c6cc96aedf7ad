// Times of the monotonic clock that survive a restart of the process. Unaffected by steps of the wall clock.
#pragma once

#include <chrono>

#include <nlohmann/json.hpp>

#include "controller/util/monotonic_time.h"

namespace glb::state {

/// {"boot", "nanoseconds"}: the boot id, and CLOCK_MONOTONIC.
[[nodiscard]] nlohmann::json to_json_time(MonotonicTime time);

/// The inverse. A time of another boot, or invalid JSON, gives the epoch of the clock (long past).
[[nodiscard]] MonotonicTime time_from_json(const nlohmann::json &json);

} // namespace glb::state
