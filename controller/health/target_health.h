// TargetHealth: the state of one target, from all evidence about it. Pure: time is an argument.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "controller/health/probe_settings.h"

namespace glb {

using MonotonicTime = std::chrono::steady_clock::time_point;

/// The states of AWS `describe-target-health`.
enum class TargetState : std::uint8_t { initial, healthy, unhealthy, draining, unused, unavailable };

/// The reason codes of AWS, and two of ours: no_return_traffic, no_neighbour.
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

/// What a person or an event consumer is told when a target's state changes.
struct HealthTransition {
    TargetState from = TargetState::initial;
    TargetState to = TargetState::initial;
    HealthReason reason = HealthReason::none;
    std::string description; ///< one sentence without full stop; empty where there is nothing to add
    MonotonicTime at{};
};

/// What an earlier run of the daemon knew of a target.
struct KnownHealth {
    TargetState state = TargetState::initial;
    HealthReason reason = HealthReason::none;
};

struct HealthPolicy {
    bool checks_enabled = true;
    unsigned healthy_threshold = 3;   ///< consecutive successes; at least 1
    unsigned unhealthy_threshold = 3; ///< consecutive failures; at least 1
};

enum class Draining : std::uint8_t { no, deregistered, by_operator };

/// Each kind of evidence keeps its own verdict; the state is read off them, strongest first: draining,
/// unused, neighbour missing, checks disabled, active checks. So evidence goes on being heard beneath a
/// stronger one, and the state is right at once when that ends. A further kind of evidence is one more member
/// and one more line in `compose`.
///
/// Every input returns the transition that it caused, if any. A reason that changes within a state is no
/// transition; it shows in `reason()` and `description()`.
class TargetHealth {
  public:
    /// Seeded with what was `known` before a restart: healthy stays so until the threshold of failures, and
    /// unhealthy until the threshold of successes. Without it, or known as initial or unused, the target is
    /// initial.
    TargetHealth(const HealthPolicy &policy, MonotonicTime now,
                 std::optional<KnownHealth> known = std::nullopt);

    /// The data path knows the target, and the first probe is under way.
    std::optional<HealthTransition> on_registered(MonotonicTime now);

    /// The result of an active check. While initial, one success makes healthy (as at AWS); failures need
    /// the threshold. Thresholds count consecutive results.
    std::optional<HealthTransition> on_probe(const ProbeResult &result, MonotonicTime now);

    /// Whether the next hop towards the target has a link-layer address. Call it with false only after
    /// resolution has been tried and has failed: it takes the target out at once.
    std::optional<HealthTransition> on_neighbour(bool resolved, MonotonicTime now);

    std::optional<HealthTransition> set_draining(Draining draining, MonotonicTime now);

    /// False while no endpoint uses the target's group. Coming into use begins anew, as initial.
    std::optional<HealthTransition> set_in_use(bool in_use, MonotonicTime now);

    /// New thresholds or checks switched on or off. Checks that are switched on have failures to count before
    /// they take out a target that was serving without them.
    std::optional<HealthTransition> set_policy(const HealthPolicy &policy, MonotonicTime now);

    [[nodiscard]] TargetState state() const { return state_; }
    [[nodiscard]] HealthReason reason() const { return reason_; }
    [[nodiscard]] const std::string &description() const { return description_; }
    [[nodiscard]] MonotonicTime since() const { return since_; } ///< when the state began
    /// The last failed check's text, kept after recovery; empty where none ever failed.
    [[nodiscard]] const std::string &last_error() const { return last_error_; }
    [[nodiscard]] Draining draining() const { return draining_; }

  private:
    // The verdict of the active checks alone.
    struct ActiveVerdict {
        TargetState state = TargetState::initial; // initial, healthy or unhealthy
        HealthReason reason = HealthReason::registration_in_progress;
        std::string description;
        unsigned successes = 0; // consecutive, up to the last result
        unsigned failures = 0;
    };
    struct Composed {
        TargetState state;
        HealthReason reason;
        std::string description;
    };

    void count_success();
    void count_failure(const ProbeResult &result);
    [[nodiscard]] Composed compose() const;
    std::optional<HealthTransition> settle(MonotonicTime now);

    HealthPolicy policy_;
    ActiveVerdict active_;
    bool neighbour_resolved_ = true;
    Draining draining_ = Draining::no;
    bool in_use_ = true;

    TargetState state_ = TargetState::initial;
    HealthReason reason_ = HealthReason::none;
    std::string description_;
    MonotonicTime since_{};
    std::string last_error_;
};

} // namespace glb
