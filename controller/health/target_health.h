// TargetHealth: the state of one target, from all evidence. Pure: time is an argument.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "controller/health/backoff.h"
#include "controller/health/probes/probe_settings.h"
#include "controller/health/target_errors.h"
#include "controller/health/target_state.h"
#include "controller/util/monotonic_time.h"

namespace glb::health {

struct HealthPolicy {
    bool checks_enabled = true;
    unsigned healthy_threshold = 3;   ///< consecutive successes; at least 1
    unsigned unhealthy_threshold = 3; ///< consecutive failures; at least 1
    bool passive = false;             ///< the outlier detector may fail it
    bool operator==(const HealthPolicy &) const = default;
};

enum class Draining : std::uint8_t { no, deregistered, by_operator };

/// Each kind of evidence has its own verdict. The state is that of the strongest: draining, unused, neighbour
/// missing, no return traffic, checks disabled, active checks. Weaker evidence is still recorded, so the
/// state is right at once when a stronger condition ends; a target that failed passively and by its checks
/// needs both to recover.
///
/// Every input returns the transition that it caused, if any. A change of the reason within a state is not a
/// transition; `reason()` and `description()` show it.
class TargetHealth {
  public:
    static constexpr unsigned half_open_flows = 16; ///< none returned: the half-open phase has failed
    static constexpr std::chrono::seconds half_open_time{2};

    /// `known`: from before a restart. A healthy target remains so until the threshold of failures, an
    /// unhealthy one until the threshold of successes, or, after a passive failure, until in-band probes or a
    /// half-open phase succeed. Without it, or if it says initial or unused, the target is initial.
    TargetHealth(const HealthPolicy &policy, MonotonicTime now,
                 std::optional<PersistedHealth> known = std::nullopt);

    /// The data path has the target, and the first probe is scheduled.
    std::optional<HealthTransition> on_registered(MonotonicTime now);

    /// The result of an active check. One success makes an initial target healthy (as at AWS). Thresholds
    /// count consecutive results. From the second failure on, recovery also waits for the backoff. A check that
    /// was not sent is no evidence.
    std::optional<HealthTransition> on_probe(const ProbeResult &result, MonotonicTime now);

    /// Whether an in-band probe was answered in time. Unanswered probes alone do not fail a target. As many
    /// answers in a row as the healthy threshold end a passive failure; after a group-wide outage one does.
    std::optional<HealthTransition> on_in_band(bool answered, MonotonicTime now);
    /// Probes are unanswered while traffic returns: the target drops the reserved endpoint.
    void on_in_band_ended() { in_band_worked_ = false; }

    /// The outlier detector has ejected the target. `group_outage`: together with others of its group, so the
    /// cause is probably elsewhere: no backoff, and no flows are reset.
    std::optional<HealthTransition> on_passive_failure(std::string evidence, bool group_outage,
                                                       MonotonicTime now);

    /// New flows since the last call, and how many of them returned. Only counted while half-open: as many
    /// returns as the healthy threshold end the failure; half_open_flows without any return end the phase and
    /// increase the backoff.
    std::optional<HealthTransition> on_new_flows(std::uint64_t started, std::uint64_t confirmed,
                                                 MonotonicTime now);

    /// Starts the half-open phase when the backoff has passed. To be called about once a second.
    void tick(MonotonicTime now);

    /// Whether the next hop of the target has a link-layer address. False only after resolution was tried and
    /// failed: it fails the target at once.
    std::optional<HealthTransition> on_neighbour(bool resolved, MonotonicTime now);

    std::optional<HealthTransition> set_draining(Draining draining, MonotonicTime now);

    /// False while no endpoint uses the target's group. A target that comes into use is initial again.
    std::optional<HealthTransition> set_in_use(bool in_use, MonotonicTime now);

    /// `check_changed`: something else is checked from now on. The verdict remains until the new check has another
    /// one. While checks are disabled their verdict is suspended; a target that was registered then served without
    /// one, and is healthy afterwards. When passive health is disabled, a passive failure ends.
    std::optional<HealthTransition> set_policy(const HealthPolicy &policy, MonotonicTime now,
                                               bool check_changed = false);

    [[nodiscard]] TargetState state() const { return state_; }
    [[nodiscard]] HealthReason reason() const { return reason_; }
    /// The evidence, and what the recovery waits for.
    [[nodiscard]] std::string description() const { return evidence_ + outlook_; }
    [[nodiscard]] MonotonicTime since() const { return since_; } ///< when the state began
    [[nodiscard]] TargetErrors &errors() { return errors_; }
    [[nodiscard]] const TargetErrors &errors() const { return errors_; }
    [[nodiscard]] Draining draining() const { return draining_; }

    /// For the next daemon, without the address.
    [[nodiscard]] PersistedHealth persisted() const;
    [[nodiscard]] bool in_band_worked() const { return in_band_worked_; }
    /// No endpoint uses its group, and it does not drain.
    [[nodiscard]] bool is_unused() const { return !in_use_ && draining_ == Draining::no; }

    /// Whether the outlier detector has failed it, regardless of other evidence.
    [[nodiscard]] bool failed_passively() const { return passive_.failed; }
    /// It receives one of GLB_HALF_OPEN_SHARE new flows, as a test whether they return.
    [[nodiscard]] bool is_half_open() const {
        return state_ == TargetState::unhealthy && passive_.half_open && half_open_allowed();
    }
    /// Whether it has failed, also during a drain: its flows then need another target.
    [[nodiscard]] bool has_failed() const { return state_ignoring_drain().state == TargetState::unhealthy; }
    /// Whether it failed together with other targets of its group. Flows are not reset for that.
    [[nodiscard]] bool group_outage() const { return passive_.failed && passive_.group_outage; }

  private:
    struct ActiveVerdict {
        TargetState state = TargetState::initial; // initial, healthy or unhealthy
        HealthReason reason = HealthReason::registration_in_progress;
        std::string description;
        unsigned successes = 0; // consecutive, up to the last result
        unsigned failures = 0;

        void count_success(const HealthPolicy &policy, const Backoff &backoff, MonotonicTime now);
        /// True if this ended the state healthy.
        bool count_failure(const HealthPolicy &policy, ProbeOutcome outcome, const std::string &error);
    };
    struct PassiveVerdict {
        bool failed = false;
        bool group_outage = false;
        std::string evidence;
        std::string outlook;  // what its recovery waits for until it is half-open, if not for answers
        unsigned answers = 0; // in-band, consecutive
        bool half_open = false;
        MonotonicTime half_open_since{};
        std::uint64_t started = 0, confirmed = 0; // new flows of the half-open phase
    };
    struct Composed {
        TargetState state;
        HealthReason reason;
        std::string evidence;
        std::string outlook = {};
    };

    [[nodiscard]] bool half_open_allowed() const;
    [[nodiscard]] Composed compose() const;
    [[nodiscard]] Composed state_ignoring_drain() const;
    std::optional<HealthTransition> recompute(MonotonicTime now);

    HealthPolicy policy_;
    ActiveVerdict active_;
    PassiveVerdict passive_;
    Backoff backoff_;
    bool in_band_worked_ = false;
    bool neighbour_resolved_ = true;
    Draining draining_ = Draining::no;
    bool in_use_ = true;

    TargetState state_ = TargetState::initial;
    HealthReason reason_ = HealthReason::none;
    std::string evidence_, outlook_;
    MonotonicTime since_{};
    TargetErrors errors_;
};

} // namespace glb::health
