// Edges: what is told when it begins and when it ends, once each: a group of which no target is healthy, an
// interface that is gone. Pure: the lines are for the log.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "controller/config/manifest.h"
#include "controller/health/group_decision.h"

namespace glb {

class GroupConditionLog {
  public:
    /// Its groups, and the endpoints that use them. One that nobody uses is not told of.
    void set_manifest(const Manifest &manifest);

    /// What becomes of the group's new flows now; `any_failed`: a target of it is unhealthy. Without that a
    /// group that spreads has only not been judged yet. Nothing where this is what was told last.
    [[nodiscard]] std::vector<std::string> note(const std::string &group, GroupAction action,
                                                bool any_failed);

  private:
    struct Row {
        std::vector<std::string> endpoints;
        GroupAction told = GroupAction::steer;
    };
    std::map<std::string, Row> groups_;
};

class InterfaceConditionLog {
  public:
    /// `index` is the kernel's; 0: it is not there. One that is told first is silent where it is there.
    [[nodiscard]] std::vector<std::string> note(const std::string &name, unsigned index);

    /// Forgets those that no manifest names any more.
    void retain_only(const std::set<std::string> &names);

  private:
    std::map<std::string, unsigned> indexes_;
};

} // namespace glb
