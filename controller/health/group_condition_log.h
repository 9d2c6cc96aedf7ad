// GroupConditionLog: log messages for groups without a healthy target for new flows, one when the condition
// begins and one when it ends. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "controller/health/group_decision.h"
#include "controller/health/health_config.h"

namespace glb::health {

class GroupConditionLog {
  public:
    /// Groups and the endpoints that use them. Groups without endpoints are not reported.
    void configure(const HealthConfig &config);

    /// The group's current action. `any_failed`: one of its targets is unhealthy; otherwise a group that
    /// spreads has just not been checked yet. Empty if the action was already reported.
    [[nodiscard]] std::vector<std::string> update(const std::string &group, GroupAction action,
                                                  bool any_failed);

  private:
    struct Row {
        std::vector<std::string> endpoints;
        GroupAction reported = GroupAction::steer;
    };
    std::map<std::string, Row> groups_;
};

} // namespace glb::health
