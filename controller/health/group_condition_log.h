// GroupConditionLog: log lines for groups that cannot steer new flows to a healthy target, once when the
// condition begins and once when it ends. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "controller/health/group_decision.h"
#include "controller/health/health_config.h"

namespace glb {

class GroupConditionLog {
  public:
    /// Groups and the endpoints that use them. Groups without endpoints are not reported.
    void configure(const HealthConfig &config);

    /// The group's action now. `any_failed`: one of its targets is unhealthy; without that, a group that
    /// spreads has only not been checked yet. Empty where the action is the one last reported.
    [[nodiscard]] std::vector<std::string> update(const std::string &group, GroupAction action,
                                                  bool any_failed);

  private:
    struct Row {
        std::vector<std::string> endpoints;
        GroupAction reported = GroupAction::steer;
    };
    std::map<std::string, Row> groups_;
};

} // namespace glb
