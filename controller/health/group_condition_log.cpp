#include "controller/health/group_condition_log.h"

#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace glb::health {

namespace {

/// Empty if new flows are steered, or the group has not been checked yet.
std::string begin_text(GroupAction action, const std::string &endpoints) {
    switch (action) {
    case GroupAction::bypass:
        return fmt::format("no healthy target: {} BYPASSED, forwarded uninspected (onAllUnhealthy)",
                           endpoints);
    case GroupAction::spread:
        return fmt::format("no healthy target: new flows of {} are spread over all targets (onAllUnhealthy)",
                           endpoints);
    case GroupAction::drop:
        return fmt::format("no healthy target: new flows of {} are dropped (onAllUnhealthy)", endpoints);
    case GroupAction::no_target:
        return fmt::format("no target accepts new flows: new flows of {} are dropped", endpoints);
    case GroupAction::steer:
    case GroupAction::no_target_yet:
        break;
    }
    return "";
}

std::string end_text(GroupAction reported, GroupAction now, const std::string &endpoints) {
    const std::string_view reason = now == GroupAction::steer       ? "a target is healthy: "
                                    : now == GroupAction::no_target ? "no target accepts new flows: "
                                                                    : "";
    const std::string_view ended = reported == GroupAction::bypass ? "no longer bypassed by onAllUnhealthy"
                                   : reported == GroupAction::spread
                                       ? "no longer spread over unhealthy targets"
                                       : "no longer dropped for lack of a target";
    return fmt::format("{}{} {}", reason, endpoints, ended);
}

} // namespace

void GroupConditionLog::configure(const HealthConfig &config) {
    std::map<std::string, Row> groups;
    for (const auto &group : config.groups) {
        if (group.endpoints.empty())
            continue;
        const auto known = groups_.find(group.name);
        groups[group.name] = {group.endpoints,
                              known == groups_.end() ? GroupAction::steer : known->second.reported};
    }
    groups_ = std::move(groups);
}

std::vector<std::string> GroupConditionLog::update(const std::string &group, GroupAction action,
                                                   bool any_failed) {
    const auto found = groups_.find(group);
    if (found == groups_.end())
        return {};
    auto &row = found->second;
    if (action == GroupAction::spread && !any_failed)
        action = GroupAction::no_target_yet;
    if (action == row.reported)
        return {};
    const auto endpoints =
        fmt::format("endpoint{} {}", row.endpoints.size() == 1 ? "" : "s", fmt::join(row.endpoints, ", "));
    std::vector<std::string> lines;
    if (!begin_text(row.reported, endpoints).empty())
        lines.push_back(fmt::format("group {}: {}", group, end_text(row.reported, action, endpoints)));
    if (const auto begin = begin_text(action, endpoints); !begin.empty())
        lines.push_back(fmt::format("group {}: {}", group, begin));
    row.reported = action;
    return lines;
}

} // namespace glb::health
