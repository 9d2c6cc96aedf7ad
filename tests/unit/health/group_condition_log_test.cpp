#include <catch2/catch.hpp>

#include "controller/health/group_condition_log.h"

using glb::health::GroupAction;
using Lines = std::vector<std::string>;

namespace {

glb::health::HealthConfig used_by(const std::vector<std::string> &endpoints) {
    glb::health::HealthConfig config;
    config.groups.resize(2);
    config.groups[0].name = "firewalls";
    config.groups[0].endpoints = endpoints;
    config.groups[1].name = "others";
    return config;
}

} // namespace

TEST_CASE("group conditions: bypass by policy is logged when it begins and when it ends, once each") {
    glb::health::GroupConditionLog log;
    log.configure(used_by({"branch"}));
    CHECK(log.update("firewalls", GroupAction::no_target_yet, false).empty());
    CHECK(log.update("firewalls", GroupAction::steer, false).empty());
    CHECK(log.update("firewalls", GroupAction::bypass, true) ==
          Lines{"group firewalls: no healthy target: endpoint branch BYPASSED, forwarded uninspected "
                "(onAllUnhealthy)"});
    CHECK(log.update("firewalls", GroupAction::bypass, true).empty());
    log.configure(used_by({"branch"})); // as every change of configuration does
    CHECK(log.update("firewalls", GroupAction::bypass, true).empty());
    CHECK(
        log.update("firewalls", GroupAction::steer, true) ==
        Lines{"group firewalls: a target is healthy: endpoint branch no longer bypassed by onAllUnhealthy"});
    CHECK(log.update("firewalls", GroupAction::steer, false).empty());
}

TEST_CASE("group conditions: spread is logged for failed targets, not for unchecked ones") {
    glb::health::GroupConditionLog log;
    log.configure(used_by({"a", "b"}));
    CHECK(log.update("firewalls", GroupAction::spread, false).empty());
    CHECK(log.update("firewalls", GroupAction::spread, true) ==
          Lines{"group firewalls: no healthy target: new flows of endpoints a, b are spread over all targets "
                "(onAllUnhealthy)"});
    CHECK(log.update("firewalls", GroupAction::drop, true) == // another policy was applied
          Lines{"group firewalls: endpoints a, b no longer spread over unhealthy targets",
                "group firewalls: no healthy target: new flows of endpoints a, b are dropped "
                "(onAllUnhealthy)"});
    CHECK(log.update("others", GroupAction::drop, true).empty()); // no endpoint uses it
}

TEST_CASE("group conditions: a group without targets for new flows is logged, the state of a removed one is "
          "dropped") {
    glb::health::GroupConditionLog log;
    log.configure(used_by({"branch"}));
    const Lines begins{
        "group firewalls: no target accepts new flows: new flows of endpoint branch are dropped"};
    CHECK(log.update("firewalls", GroupAction::no_target, false) == begins);
    CHECK(log.update("firewalls", GroupAction::no_target, false).empty());
    log.configure(used_by({}));
    CHECK(log.update("firewalls", GroupAction::no_target, false).empty());
    log.configure(used_by({"branch"}));
    CHECK(log.update("firewalls", GroupAction::no_target, false) == begins);
}
