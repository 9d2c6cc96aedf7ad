#include "controller/observe/conditions.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

namespace glb::observe {

namespace {

using health::GroupAction;
using health::TargetState;

constexpr const char *see_targets = "glbctl targets shows the reasons";

/// Since when no target of the group is healthy, and whether one has failed.
struct GroupHistory {
    MonotonicTime since{};
    bool any_failed = false;
};

GroupHistory history_of(const std::string &group, const health::HealthSnapshot &health) {
    GroupHistory history;
    for (const auto &target : health.targets)
        if (target.group == group) {
            history.since = std::max(history.since, target.since);
            history.any_failed = history.any_failed || target.state == TargetState::unhealthy;
        }
    if (const auto found = health.conditions.find(group);
        found != health.conditions.end() && found->second.no_healthy_since)
        history.since = *found->second.no_healthy_since;
    return history;
}

/// Nothing if new flows reach a target that is known to be alive.
std::vector<HeldCondition> group_condition(const std::string &group, GroupAction action,
                                           const GroupHistory &history) {
    const auto condition = [&](Severity severity, const char *what, std::string message) {
        return std::vector<HeldCondition>{
            {{severity, what, group, std::move(message), see_targets}, history.since}};
    };
    const auto no_target = [&](const char *consequence) {
        return condition(Severity::error, "no-healthy-target",
                         fmt::format("no target of the group is healthy: new flows are {}", consequence));
    };
    switch (action) {
    case GroupAction::steer:
        return {};
    case GroupAction::spread:
        return history.any_failed
                   ? no_target("spread over all its targets")
                   : condition(Severity::warning, "targets-initial",
                               "no target of the group has passed its first health checks yet: new flows are "
                               "spread over all of them");
    case GroupAction::bypass:
        return no_target("forwarded UNINSPECTED");
    case GroupAction::drop:
        return no_target("dropped (no_target)");
    case GroupAction::no_target_yet:
        return condition(Severity::warning, "targets-initial",
                         "no target of the group has passed its first health checks yet: new flows are "
                         "dropped (no_target_yet)");
    case GroupAction::no_target:
        return condition(Severity::error, "no-target",
                         "the group has no target that accepts new flows (none, draining, or weight 0): new "
                         "flows are dropped (no_target)");
    }
    return {};
}

std::vector<HeldCondition> group_conditions(const config::Manifest &manifest,
                                            const health::HealthSnapshot &health) {
    std::set<std::string> used;
    for (const auto &endpoint : manifest.endpoints)
        used.insert(endpoint.target_group);
    std::vector<HeldCondition> conditions;
    for (const auto &[group, action] : health.groups)
        if (used.contains(group))
            std::ranges::move(group_condition(group, action, history_of(group, health)),
                              std::back_inserter(conditions));
    return conditions;
}

/// Health checks of at least one target cannot leave the node.
std::vector<HeldCondition> unsent_checks(const health::LocalErrors &errors) {
    if (!errors.since)
        return {};
    return {
        {{Severity::error, "health-checks-not-sent", "",
          fmt::format("health checks cannot be sent: {}; targets keep their states meanwhile", errors.text),
          "descriptors: LimitNOFILE of glbd.service; local ports: net.ipv4.ip_local_port_range; else the "
          "tunnel's address, a route, or a local firewall"},
         *errors.since}};
}

/// All its targets with traffic return nothing: health cannot tell which is at fault.
std::vector<HeldCondition> silent_groups(const health::HealthSnapshot &health) {
    std::vector<HeldCondition> conditions;
    for (const auto &[group, condition] : health.conditions)
        if (condition.silent_since)
            conditions.push_back(
                {{Severity::error, "group-silent", group,
                  "packets go to its targets, and none of them returns any",
                  "check the path between node and appliances: MTU, firewalls, UDP port 6081"},
                 *condition.silent_since});
    return conditions;
}

std::vector<HeldCondition> target_conditions(const health::HealthSnapshot &health) {
    std::vector<HeldCondition> conditions;
    for (const auto &target : health.targets)
        if (target.state != TargetState::unhealthy && target.silence)
            conditions.push_back(
                {{Severity::warning, "no-return-traffic", target.name,
                  fmt::format("{} packets were sent to it, and none has returned", target.silence->packets),
                  "check that the appliance receives and returns GENEVE, and whether its policy denies "
                  "everything"},
                 target.silence->since});
        else if (target.state == TargetState::unhealthy)
            conditions.push_back({{Severity::warning, "target-unhealthy", target.name,
                                   target.description.empty() ? "is unhealthy" : target.description, ""},
                                  target.since});
    return conditions;
}

} // namespace

std::vector<HeldCondition> node_conditions(const NodeSnapshot &node, const health::HealthSnapshot &health) {
    auto conditions = node.conditions;
    if (node.manifest) {
        std::ranges::move(group_conditions(*node.manifest, health), std::back_inserter(conditions));
        std::ranges::move(unsent_checks(health.local_errors), std::back_inserter(conditions));
        std::ranges::move(silent_groups(health), std::back_inserter(conditions));
        std::ranges::move(target_conditions(health), std::back_inserter(conditions));
    }
    std::ranges::stable_partition(
        conditions, [](const HeldCondition &row) { return row.condition.severity == Severity::error; });
    return conditions;
}

} // namespace glb::observe
