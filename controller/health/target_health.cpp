#include "controller/health/target_health.h"

#include <utility>

#include <fmt/format.h>

namespace glb::health {
namespace {

HealthReason reason_of(ProbeOutcome outcome) {
    switch (outcome) {
    case ProbeOutcome::timeout:
        return HealthReason::timeout;
    case ProbeOutcome::mismatch:
        return HealthReason::response_code_mismatch;
    case ProbeOutcome::ok:
    case ProbeOutcome::refused:
    case ProbeOutcome::error:
    case ProbeOutcome::not_sent:
        break;
    }
    return HealthReason::failed_health_checks;
}

std::string delay_text(std::chrono::seconds left, const Backoff &backoff) {
    return fmt::format("recovery delayed by {} s after {} failures", left.count(), backoff.failures());
}

} // namespace

std::string_view to_string(ProbeOutcome outcome) {
    switch (outcome) {
    case ProbeOutcome::ok:
        return "ok";
    case ProbeOutcome::timeout:
        return "timeout";
    case ProbeOutcome::refused:
        return "refused";
    case ProbeOutcome::mismatch:
        return "mismatch";
    case ProbeOutcome::error:
        return "error";
    case ProbeOutcome::not_sent:
        return "not sent";
    }
    return "";
}

TargetHealth::TargetHealth(const HealthPolicy &policy, MonotonicTime now,
                           std::optional<PersistedHealth> known)
    : policy_(policy), since_(now) {
    const auto described = [&] {
        return known->description.empty() ? "state from before the restart" : known->description;
    };
    if (!policy.checks_enabled ||
        (known && (known->state == TargetState::healthy || known->state == TargetState::unavailable)))
        active_ = {TargetState::healthy, HealthReason::none, "", 0, 0};
    if (known) {
        backoff_.restore(known->failures, known->state == TargetState::unhealthy, now);
        in_band_worked_ = known->in_band_works;
    }
    if (known && known->state == TargetState::unhealthy) {
        if (known->reason == HealthReason::no_return_traffic && policy.passive) {
            active_ = {TargetState::healthy, HealthReason::none, "", 0, 0};
            passive_.failed = true;
            passive_.evidence = described();
            if (known->failures == 0)
                backoff_.fail(now);
        } else if (policy.checks_enabled) {
            active_ = {TargetState::unhealthy, known->reason, described(), 0, 0};
        }
    }
    auto composed = compose();
    state_ = composed.state;
    reason_ = composed.reason;
    evidence_ = std::move(composed.evidence);
}

std::optional<HealthTransition> TargetHealth::on_registered(MonotonicTime now) {
    if (active_.state == TargetState::initial)
        active_.reason = HealthReason::initial_health_checking;
    return recompute(now);
}

std::optional<HealthTransition> TargetHealth::on_probe(const ProbeResult &result, MonotonicTime now) {
    errors_.on_check(result, now);
    if (result.outcome == ProbeOutcome::not_sent)
        return std::nullopt;
    if (result.outcome == ProbeOutcome::ok) {
        active_.count_success(policy_, backoff_, now);
        return recompute(now);
    }
    // An outage counts as one failure, also if several kinds of evidence detect it. A target that starts late
    // has not failed yet.
    if (active_.count_failure(policy_, result.outcome, errors_.last(now)->text) && !passive_.failed)
        backoff_.fail(now);
    return recompute(now);
}

std::optional<HealthTransition> TargetHealth::on_in_band(bool answered, MonotonicTime now) {
    in_band_worked_ |= answered;
    passive_.answers = answered ? passive_.answers + 1 : 0;
    if (!passive_.failed)
        return std::nullopt;
    passive_.outlook.clear();
    if (passive_.answers >= (passive_.group_outage ? 1 : policy_.healthy_threshold)) {
        const auto left =
            passive_.group_outage ? std::chrono::seconds(0) : backoff_.remaining_for_recovery(now);
        if (left.count() == 0)
            passive_ = {};
        else
            passive_.outlook = "; probes return again; " + delay_text(left, backoff_);
    }
    return recompute(now);
}

std::optional<HealthTransition> TargetHealth::on_passive_failure(std::string evidence, bool group_outage,
                                                                 MonotonicTime now) {
    if (!policy_.passive || passive_.failed)
        return std::nullopt;
    if (group_outage)
        backoff_.fail_group_outage(now);
    else if (active_.state != TargetState::unhealthy)
        backoff_.fail(now);
    passive_ = {};
    passive_.failed = true;
    passive_.group_outage = group_outage;
    passive_.evidence = std::move(evidence);
    return recompute(now);
}

std::optional<HealthTransition> TargetHealth::on_new_flows(std::uint64_t started, std::uint64_t confirmed,
                                                           MonotonicTime now) {
    if (!is_half_open())
        return std::nullopt;
    passive_.started += started;
    passive_.confirmed += confirmed;
    if (passive_.confirmed >= policy_.healthy_threshold) {
        passive_ = {};
    } else if (passive_.started >= half_open_flows && passive_.confirmed == 0 &&
               now - passive_.half_open_since >= half_open_time) {
        passive_.half_open = false;
        backoff_.fail(now);
    }
    return recompute(now);
}

// If in-band probes have worked they usually end the failure, so the half-open phase starts only after the
// longest wait: for an appliance that has started to drop the reserved endpoint.
void TargetHealth::tick(MonotonicTime now) {
    if (!passive_.failed || passive_.half_open || !half_open_allowed())
        return;
    const auto left = in_band_worked_ ? backoff_.remaining(Backoff::longest_wait, now)
                                      : backoff_.remaining_for_half_open(now);
    if (left.count() > 0) {
        if (!in_band_worked_) {
            passive_.outlook = fmt::format("; recovery test in {} s", left.count());
            (void)recompute(now);
        }
        return;
    }
    passive_.outlook.clear();
    passive_.half_open = true;
    passive_.half_open_since = now;
    passive_.started = passive_.confirmed = 0;
    (void)recompute(now); // changes only the outlook
}

std::optional<HealthTransition> TargetHealth::on_neighbour(bool resolved, MonotonicTime now) {
    neighbour_resolved_ = resolved;
    return recompute(now);
}

std::optional<HealthTransition> TargetHealth::set_draining(Draining draining, MonotonicTime now) {
    if (draining != Draining::no) // it may not be checked any more
        errors_.forget_checks();
    draining_ = draining;
    return recompute(now);
}

std::optional<HealthTransition> TargetHealth::set_in_use(bool in_use, MonotonicTime now) {
    if (in_use && !in_use_) { // it was not probed meanwhile
        active_ = {};
        if (!policy_.checks_enabled)
            active_.state = TargetState::healthy;
        passive_ = {};
    }
    if (!in_use) // nothing of the last check holds without the next one
        errors_.forget_checks();
    in_use_ = in_use;
    return recompute(now);
}

std::optional<HealthTransition> TargetHealth::set_policy(const HealthPolicy &policy, MonotonicTime now,
                                                         bool check_changed) {
    if (check_changed || policy.checks_enabled != policy_.checks_enabled) {
        active_.successes = active_.failures = 0;
        errors_.forget_checks();
    }
    if (!policy.passive)
        passive_ = {};
    policy_ = policy;
    return recompute(now);
}

void TargetHealth::ActiveVerdict::count_success(const HealthPolicy &policy, const Backoff &backoff,
                                                MonotonicTime now) {
    failures = 0;
    ++successes;
    if (state != TargetState::initial && successes < policy.healthy_threshold)
        return;
    const auto left = backoff.remaining_for_recovery(now);
    if (state == TargetState::unhealthy && left.count() > 0) {
        description = "checks succeed again; " + delay_text(left, backoff);
        return;
    }
    state = TargetState::healthy;
    reason = HealthReason::none;
    description.clear();
}

bool TargetHealth::ActiveVerdict::count_failure(const HealthPolicy &policy, ProbeOutcome outcome,
                                                const std::string &error) {
    successes = 0;
    ++failures;
    if (state == TargetState::initial)
        reason = HealthReason::initial_health_checking;
    if (state != TargetState::unhealthy && failures < policy.unhealthy_threshold)
        return false;
    reason = reason_of(outcome);
    description = error;
    return std::exchange(state, TargetState::unhealthy) == TargetState::healthy;
}

bool TargetHealth::half_open_allowed() const {
    return passive_.failed && neighbour_resolved_ &&
           (!policy_.checks_enabled || active_.state == TargetState::healthy);
}

PersistedHealth TargetHealth::persisted() const {
    return {state_, reason_, backoff_.failures(), in_band_worked_,
            state_ == TargetState::unhealthy ? evidence_ : std::string()};
}

TargetHealth::Composed TargetHealth::compose() const {
    if (draining_ != Draining::no)
        return {TargetState::draining, HealthReason::deregistration_in_progress,
                draining_ == Draining::by_operator ? "drained by the operator"
                                                   : "removed from the target group"};
    return state_ignoring_drain();
}

TargetHealth::Composed TargetHealth::state_ignoring_drain() const {
    if (!in_use_)
        return {TargetState::unused, HealthReason::not_in_use, "no endpoint uses the target group"};
    if (!neighbour_resolved_)
        return {TargetState::unhealthy, HealthReason::no_neighbour,
                "next hop not resolved: no answer to ARP or ND, or no route to it through the tunnel's "
                "interface"};
    if (passive_.failed)
        return {TargetState::unhealthy, HealthReason::no_return_traffic, passive_.evidence,
                passive_.half_open ? "; recovery test: receives 1 % of new flows" : passive_.outlook};
    if (!policy_.checks_enabled)
        return {TargetState::unavailable, HealthReason::health_check_disabled, ""};
    return {active_.state, active_.reason, active_.description};
}

std::optional<HealthTransition> TargetHealth::recompute(MonotonicTime now) {
    auto composed = compose();
    reason_ = composed.reason;
    evidence_ = std::move(composed.evidence);
    outlook_ = std::move(composed.outlook);
    if (composed.state == state_)
        return std::nullopt;
    const auto from = std::exchange(state_, composed.state);
    since_ = now;
    if (state_ == TargetState::healthy || state_ == TargetState::unavailable)
        backoff_.recover(now);
    return HealthTransition{from, state_, reason_, description(), now};
}

} // namespace glb::health
