// Times of the monotonic clock that survive a restart of the process. Unaffected by steps of the wall clock.
#pragma once

#include <chrono>

#include <nlohmann/json.hpp>

namespace glb::state {

/// {"boot", "nanoseconds"}: the boot id, and CLOCK_MONOTONIC.
[[nodiscard]] nlohmann::json to_json_time(std::chrono::steady_clock::time_point time);

/// The inverse. A time of another boot, or invalid JSON, gives the epoch of the clock (long past).
[[nodiscard]] std::chrono::steady_clock::time_point time_from_json(const nlohmann::json &json);

} // namespace glb::state
