// HealthSnapshot: published state of the health engine. Immutable, so any thread may read it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "controller/health/group_decision.h"
#include "controller/health/health_config.h"
#include "controller/health/local_error_log.h"
#include "controller/health/persisted.h"
#include "controller/health/return_watch.h"
#include "controller/util/monotonic_time.h"

namespace glb::health {

struct TargetSnapshot {
    std::string group;
    std::string name; ///< group/id; group/id@address:port once the id has another address
    HealthTarget target;
    std::uint16_t group_index = 0;
    TargetState state = TargetState::initial;
    HealthReason reason = HealthReason::none;
    std::string description;
    MonotonicTime since{};
    std::string last_error;
    std::optional<MonotonicTime> drain_until;          ///< set: removed from the configuration, draining
    std::optional<MonotonicTime> operator_drain_until; ///< set: drained by the operator
    std::optional<MonotonicTime> last_error_at = {};   ///< set with last_error
    std::uint64_t local_errors = 0;                    ///< checks that could not leave the node
    std::optional<Silence> silence = {};               ///< packets go to it, and nothing returns
};

struct HealthSnapshot {
    std::uint64_t generation = 0;                     ///< of the configuration committed last; 0: none
    std::vector<TargetSnapshot> targets;              ///< by name
    std::map<std::string, GroupAction> groups;        ///< action for new flows, by name
    PersistedTargets persisted;                       ///< to be written to the state store
    std::map<std::string, GroupCondition> conditions; ///< of groups in use, by name; updated once a second
    LocalErrors local_errors;
    std::string write_error; ///< of the last failed write of target states; empty: the maps are up to date

    [[nodiscard]] const TargetSnapshot *find(const std::string &name) const;
};

} // namespace glb::health
