// TargetHealth: the state of one target, from all evidence about it. Pure: time is an argument.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "controller/health/backoff.h"
#include "controller/health/probes/probe_settings.h"

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
struct PersistedHealth {
    TargetState state = TargetState::initial;
    HealthReason reason = HealthReason::none;
    unsigned failures = 0; ///< for which it is held down the longer
    bool in_band_works = false;

    bool operator==(const PersistedHealth &) const = default;
};

struct HealthPolicy {
    bool checks_enabled = true;
    unsigned healthy_threshold = 3;   ///< consecutive successes; at least 1
    unsigned unhealthy_threshold = 3; ///< consecutive failures; at least 1
    bool passive = false;             ///< traffic that does not come back may fail it

    bool operator==(const HealthPolicy &) const = default;
};

enum class Draining : std::uint8_t { no, deregistered, by_operator };

/// Each kind of evidence keeps its own verdict; the state is read off them, strongest first: draining,
/// unused, neighbour missing, traffic that does not come back, checks disabled, active checks. So evidence
/// goes on being heard beneath a stronger one, and the state is right at once when that ends: a target whose
/// traffic does not come back and whose checks fail as well needs both to recover.
///
/// Every input returns the transition that it caused, if any. A reason that changes within a state is no
/// transition; it shows in `reason()` and `description()`.
class TargetHealth {
  public:
    static constexpr unsigned kTrialFlows = 16; ///< none of which came back: the trial has failed
    static constexpr std::chrono::seconds kTrialTime{2};

    /// Seeded with what was `known` before a restart: healthy stays so until the threshold of failures, and
    /// unhealthy until the threshold of successes, or until in-band probes or a trial where no traffic came
    /// back. Without it, or known as initial or unused, the target is initial.
    TargetHealth(const HealthPolicy &policy, MonotonicTime now,
                 std::optional<PersistedHealth> known = std::nullopt);

    /// The data path knows the target, and the first probe is under way.
    std::optional<HealthTransition> on_registered(MonotonicTime now);

    /// The result of an active check. While initial, one success makes healthy (as at AWS); failures need
    /// the threshold. Thresholds count consecutive results. From the second failure on, recovery also waits
    /// for the hold-down.
    std::optional<HealthTransition> on_probe(const ProbeResult &result, MonotonicTime now);

    /// Whether an in-band probe came back in time. Silence alone fails nobody. Answers, as many in a row as
    /// the healthy threshold, bring back what failed passively; a single one does after a common cause.
    std::optional<HealthTransition> on_in_band(bool answered, MonotonicTime now);
    /// Probes stay away while traffic returns: it drops the reserved endpoint by now.
    void on_in_band_ended() { in_band_worked_ = false; }

    /// The passive judge's verdict: what goes in does not come out. `group_outage`: all of its siblings fell
    /// silent with it, so it is hardly to blame: no hold-down, and nobody is to be reset for it.
    std::optional<HealthTransition> on_passive_failure(std::string description, bool group_outage,
                                                       MonotonicTime now);

    /// New flows since the last call, and how many of them have returned. Heard only while on trial: as many
    /// returns as the healthy threshold end it well; kTrialFlows without any end it with a longer hold-down.
    std::optional<HealthTransition> on_new_flows(std::uint64_t tried, std::uint64_t returned,
                                                 MonotonicTime now);

    /// Time has passed: a trial begins when its hold-down is over. Call it about once a second.
    void on_time(MonotonicTime now);

    /// Whether the next hop towards the target has a link-layer address. Call it with false only after
    /// resolution has been tried and has failed: it takes the target out at once.
    std::optional<HealthTransition> on_neighbour(bool resolved, MonotonicTime now);

    std::optional<HealthTransition> set_draining(Draining draining, MonotonicTime now);

    /// False while no endpoint uses the target's group. Coming into use begins anew, as initial.
    std::optional<HealthTransition> set_in_use(bool in_use, MonotonicTime now);

    /// New thresholds or checks switched on or off. Checks that are switched on have failures to count before
    /// they take out a target that was serving without them. Passive health that is switched off acquits.
    std::optional<HealthTransition> set_policy(const HealthPolicy &policy, MonotonicTime now);

    [[nodiscard]] TargetState state() const { return state_; }
    [[nodiscard]] HealthReason reason() const { return reason_; }
    [[nodiscard]] const std::string &description() const { return description_; }
    [[nodiscard]] MonotonicTime since() const { return since_; } ///< when the state began
    /// Something is wrong with it that fails no check: last_error() tells.
    void record_error(std::string text) { last_error_ = std::move(text); }
    /// The last failed check's text, or what record_error() told, kept after recovery; empty where there was
    /// none.
    [[nodiscard]] const std::string &last_error() const { return last_error_; }
    [[nodiscard]] Draining draining() const { return draining_; }

    [[nodiscard]] unsigned failures() const { return hold_down_.failures(); } ///< as PersistedHealth has them
    [[nodiscard]] bool in_band_worked() const { return in_band_worked_; }     ///< the same

    /// No endpoint uses its group, and it does not drain.
    [[nodiscard]] bool is_unused() const { return !in_use_ && draining_ == Draining::no; }

    /// Out because no traffic came back, whatever else speaks against it.
    [[nodiscard]] bool failed_passively() const { return passive_.failed; }
    /// It takes one of GLB_HALF_OPEN_SHARE new flows, to see whether they return.
    [[nodiscard]] bool is_half_open() const {
        return state_ == TargetState::unhealthy && passive_.trial && half_open_allowed();
    }
    /// It failed together with its siblings: flows are not to be reset for that.
    /// Whether it has failed, also beneath a drain: what drains may die, and its flows then want another
    /// target.
    [[nodiscard]] bool has_failed() const { return state_ignoring_drain().state == TargetState::unhealthy; }
    [[nodiscard]] bool group_outage() const { return passive_.failed && passive_.group_outage; }

  private:
    // The verdict of the active checks alone.
    struct ActiveVerdict {
        TargetState state = TargetState::initial; // initial, healthy or unhealthy
        HealthReason reason = HealthReason::registration_in_progress;
        std::string description;
        unsigned successes = 0; // consecutive, up to the last result
        unsigned failures = 0;
    };
    // The verdict of the traffic.
    struct PassiveVerdict {
        bool failed = false;
        bool group_outage = false;
        std::string description;
        unsigned answers = 0; // in-band, consecutive
        bool trial = false;
        MonotonicTime trial_since{};
        std::uint64_t tried = 0; // of the trial
        std::uint64_t returned = 0;
    };
    struct Composed {
        TargetState state;
        HealthReason reason;
        std::string description;
    };

    void count_success(MonotonicTime now);
    void count_failure(const ProbeResult &result, MonotonicTime now);
    [[nodiscard]] bool half_open_allowed() const;
    [[nodiscard]] Composed compose() const;
    [[nodiscard]] Composed state_ignoring_drain() const;
    std::optional<HealthTransition> settle(MonotonicTime now);

    HealthPolicy policy_;
    ActiveVerdict active_;
    PassiveVerdict passive_;
    Backoff hold_down_;
    bool in_band_worked_ = false;
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
