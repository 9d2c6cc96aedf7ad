#include "controller/health/target_health.h"

#include <utility>

namespace glb {
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
        break;
    }
    return HealthReason::failed_health_checks;
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
    }
    return "";
}

std::string_view to_string(TargetState state) {
    switch (state) {
    case TargetState::initial:
        return "initial";
    case TargetState::healthy:
        return "healthy";
    case TargetState::unhealthy:
        return "unhealthy";
    case TargetState::draining:
        return "draining";
    case TargetState::unused:
        return "unused";
    case TargetState::unavailable:
        return "unavailable";
    }
    return "";
}

std::string_view to_string(HealthReason reason) {
    switch (reason) {
    case HealthReason::none:
        return "";
    case HealthReason::registration_in_progress:
        return "Elb.RegistrationInProgress";
    case HealthReason::initial_health_checking:
        return "Elb.InitialHealthChecking";
    case HealthReason::failed_health_checks:
        return "Target.FailedHealthChecks";
    case HealthReason::response_code_mismatch:
        return "Target.ResponseCodeMismatch";
    case HealthReason::timeout:
        return "Target.Timeout";
    case HealthReason::no_return_traffic:
        return "Target.NoReturnTraffic";
    case HealthReason::no_neighbour:
        return "Target.NoNeighbour";
    case HealthReason::deregistration_in_progress:
        return "Target.DeregistrationInProgress";
    case HealthReason::not_in_use:
        return "Target.NotInUse";
    case HealthReason::health_check_disabled:
        return "Target.HealthCheckDisabled";
    }
    return "";
}

TargetHealth::TargetHealth(const HealthPolicy &policy, MonotonicTime now, std::optional<KnownHealth> known)
    : policy_(policy), since_(now) {
    if (known && (known->state == TargetState::healthy || known->state == TargetState::unavailable))
        active_ = {TargetState::healthy, HealthReason::none, "", 0, 0};
    if (known && known->state == TargetState::unhealthy)
        active_ = {TargetState::unhealthy, known->reason, "known from before the restart", 0, 0};
    auto composed = compose();
    state_ = composed.state;
    reason_ = composed.reason;
    description_ = std::move(composed.description);
}

std::optional<HealthTransition> TargetHealth::on_registered(MonotonicTime now) {
    if (active_.state == TargetState::initial)
        active_.reason = HealthReason::initial_health_checking;
    return settle(now);
}

std::optional<HealthTransition> TargetHealth::on_probe(const ProbeResult &result, MonotonicTime now) {
    if (result.outcome == ProbeOutcome::ok)
        count_success();
    else
        count_failure(result);
    return settle(now);
}

std::optional<HealthTransition> TargetHealth::on_neighbour(bool resolved, MonotonicTime now) {
    neighbour_resolved_ = resolved;
    return settle(now);
}

std::optional<HealthTransition> TargetHealth::set_draining(Draining draining, MonotonicTime now) {
    draining_ = draining;
    return settle(now);
}

std::optional<HealthTransition> TargetHealth::set_in_use(bool in_use, MonotonicTime now) {
    if (in_use && !in_use_)
        active_ = {}; // nobody has probed it meanwhile
    in_use_ = in_use;
    return settle(now);
}

std::optional<HealthTransition> TargetHealth::set_policy(const HealthPolicy &policy, MonotonicTime now) {
    if (policy.checks_enabled != policy_.checks_enabled)
        active_ = {TargetState::healthy, HealthReason::none, "", 0, 0};
    policy_ = policy;
    return settle(now);
}

void TargetHealth::count_success() {
    active_.failures = 0;
    ++active_.successes;
    const bool first_proof = active_.state == TargetState::initial;
    if (first_proof || active_.successes >= policy_.healthy_threshold) {
        active_.state = TargetState::healthy;
        active_.reason = HealthReason::none;
        active_.description.clear();
    }
}

void TargetHealth::count_failure(const ProbeResult &result) {
    active_.successes = 0;
    ++active_.failures;
    last_error_ = result.detail.empty() ? std::string(to_string(result.outcome)) : result.detail;
    if (active_.state == TargetState::initial)
        active_.reason = HealthReason::initial_health_checking;
    if (active_.state == TargetState::unhealthy || active_.failures >= policy_.unhealthy_threshold) {
        active_.state = TargetState::unhealthy;
        active_.reason = reason_of(result.outcome);
        active_.description = last_error_;
    }
}

TargetHealth::Composed TargetHealth::compose() const {
    if (draining_ != Draining::no)
        return {TargetState::draining, HealthReason::deregistration_in_progress,
                draining_ == Draining::by_operator ? "drained by the operator"
                                                   : "taken out of the target group"};
    if (!in_use_)
        return {TargetState::unused, HealthReason::not_in_use, "no endpoint uses the target group"};
    if (!neighbour_resolved_)
        return {TargetState::unhealthy, HealthReason::no_neighbour, "the next hop does not answer ARP or ND"};
    if (!policy_.checks_enabled)
        return {TargetState::unavailable, HealthReason::health_check_disabled, ""};
    return {active_.state, active_.reason, active_.description};
}

std::optional<HealthTransition> TargetHealth::settle(MonotonicTime now) {
    auto composed = compose();
    reason_ = composed.reason;
    description_ = std::move(composed.description);
    if (composed.state == state_)
        return std::nullopt;
    const auto from = std::exchange(state_, composed.state);
    since_ = now;
    return HealthTransition{from, state_, reason_, description_, now};
}

} // namespace glb
