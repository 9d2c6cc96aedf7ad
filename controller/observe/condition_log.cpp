#include "controller/observe/condition_log.h"

#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace glb {

namespace {

/// What a policy, or the lack of a target, has made of new flows; empty: they are steered, or not judged yet.
std::string beginning_of(GroupAction action, const std::string &endpoints) {
    switch (action) {
    case GroupAction::bypass:
        return fmt::format("no target is healthy: {} BYPASSED, forwarded uninspected, by onAllUnhealthy",
                           endpoints);
    case GroupAction::spread:
        return fmt::format(
            "no target is healthy: new flows of {} are spread over all of them, by onAllUnhealthy",
            endpoints);
    case GroupAction::drop:
        return fmt::format("no target is healthy: new flows of {} are dropped, by onAllUnhealthy", endpoints);
    case GroupAction::no_target:
        return fmt::format("no target may take new flows: those of {} are dropped", endpoints);
    case GroupAction::steer:
    case GroupAction::no_target_yet:
        break;
    }
    return "";
}

std::string end_of(GroupAction told, GroupAction now, const std::string &endpoints) {
    const std::string_view why = now == GroupAction::steer       ? "a target is healthy: "
                                 : now == GroupAction::no_target ? "no target may take new flows: "
                                                                 : "";
    const std::string_view over = told == GroupAction::bypass   ? "no longer bypassed by onAllUnhealthy"
                                  : told == GroupAction::spread ? "no longer spread over unhealthy targets"
                                                                : "no longer dropped for want of a target";
    return fmt::format("{}{} {}", why, endpoints, over);
}

} // namespace

void GroupConditionLog::set_manifest(const Manifest &manifest) {
    std::map<std::string, Row> groups;
    for (const auto &endpoint : manifest.endpoints) {
        auto &row = groups[endpoint.target_group];
        row.endpoints.push_back(endpoint.name);
        if (const auto before = groups_.find(endpoint.target_group); before != groups_.end())
            row.told = before->second.told;
    }
    groups_ = std::move(groups);
}

std::vector<std::string> GroupConditionLog::note(const std::string &group, GroupAction action,
                                                 bool any_failed) {
    const auto found = groups_.find(group);
    if (found == groups_.end())
        return {};
    auto &row = found->second;
    if (action == GroupAction::spread && !any_failed)
        action = GroupAction::no_target_yet;
    if (action == row.told)
        return {};
    const auto endpoints =
        fmt::format("endpoint{} {}", row.endpoints.size() == 1 ? "" : "s", fmt::join(row.endpoints, ", "));
    std::vector<std::string> lines;
    if (!beginning_of(row.told, endpoints).empty())
        lines.push_back(fmt::format("group {}: {}", group, end_of(row.told, action, endpoints)));
    if (const auto beginning = beginning_of(action, endpoints); !beginning.empty())
        lines.push_back(fmt::format("group {}: {}", group, beginning));
    row.told = action;
    return lines;
}

std::vector<std::string> InterfaceConditionLog::note(const std::string &name, unsigned index) {
    const auto [at, is_first] = indexes_.try_emplace(name, index);
    const auto before = std::exchange(at->second, index);
    std::vector<std::string> lines;
    if (is_first && index == 0)
        lines.push_back(fmt::format("interface {} is not there: it is waited for", name));
    if (is_first || index == before)
        return lines;
    if (before != 0)
        lines.push_back(
            fmt::format("interface {} is lost: nothing is taken in or sent by it until it is back", name));
    if (index != 0)
        lines.push_back(fmt::format("interface {} is back", name));
    return lines;
}

void InterfaceConditionLog::retain_only(const std::set<std::string> &names) {
    std::erase_if(indexes_, [&](const auto &row) { return !names.contains(row.first); });
}

} // namespace glb
