// Moments of the monotonic clock that outlive the process. Steps of the wall clock do not touch them.
#pragma once

#include <chrono>

#include <nlohmann/json.hpp>

namespace glb {

/// {"boot", "nanoseconds"}: of CLOCK_MONOTONIC, and of which boot of the machine.
[[nodiscard]] nlohmann::json to_json_time(std::chrono::steady_clock::time_point moment);

/// The moment again. One of another boot, or that makes no sense, is long past.
[[nodiscard]] std::chrono::steady_clock::time_point time_from_json(const nlohmann::json &json);

} // namespace glb
