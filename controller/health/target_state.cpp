#include "controller/health/target_state.h"

namespace glb::health {

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

} // namespace glb::health
