// The states of a target, why it is in one, and what of it outlives a daemon.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "controller/util/monotonic_time.h"

namespace glb::health {

/// The states of AWS `describe-target-health`.
enum class TargetState : std::uint8_t { initial, healthy, unhealthy, draining, unused, unavailable };

/// The reason codes of AWS, and two more: no_return_traffic, no_neighbour.
enum class HealthReason : std::uint8_t {
    none,
    registration_in_progress,
    initial_health_checking,
    failed_health_checks,
    response_code_mismatch,
    timeout,
    no_return_traffic,
    no_neighbour,
    deregistration_in_progress,
    not_in_use,
    health_check_disabled,
};

[[nodiscard]] std::string_view to_string(TargetState state);   ///< "healthy"
[[nodiscard]] std::string_view to_string(HealthReason reason); ///< "Target.Timeout"; empty for none

/// A change of a target's state.
struct HealthTransition {
    TargetState from = TargetState::initial;
    TargetState to = TargetState::initial;
    HealthReason reason = HealthReason::none;
    std::string description; ///< one sentence without full stop; empty if the reason says it all
    MonotonicTime at{};
};

/// What an earlier daemon persisted of a target.
struct PersistedHealth {
    TargetState state = TargetState::initial;
    HealthReason reason = HealthReason::none;
    unsigned failures = 0; ///< see Backoff
    bool in_band_works = false;
    std::string description = {}; ///< of an unhealthy target
    std::string address = {};     ///< ADDR:PORT; empty: persisted by a version that did not store it
    bool operator==(const PersistedHealth &) const = default;
};

} // namespace glb::health
