#include <catch2/catch.hpp>

#include "controller/health/group_decision.h"

using namespace glb;
using namespace glb::config;
using namespace glb::health;
using enum TargetState;

namespace {
using Members = std::vector<GroupMember>;
constexpr auto policies = {AllUnhealthyPolicy::spread, AllUnhealthyPolicy::bypass, AllUnhealthyPolicy::drop};

GroupDecision none(const Members &members, GroupAction action) {
    return {action, std::vector<bool>(members.size(), false)};
}
} // namespace

TEST_CASE("group decision: live targets accept new flows under every policy", "[health]") {
    const Members members{{healthy, 1}, {unhealthy, 1}, {initial, 1},    {draining, 1},
                          {healthy, 0}, {unused, 1},    {unavailable, 5}};
    const GroupDecision expected{GroupAction::steer, {true, false, false, false, false, false, true}};
    for (const auto policy : policies)
        for (const bool ever_healthy : {false, true})
            CHECK(decide_group(members, policy, ever_healthy) == expected);
}

TEST_CASE("group decision: a group that is down follows its policy", "[health]") {
    const Members members{{unhealthy, 1}, {unhealthy, 3}, {draining, 1}, {unhealthy, 0}};
    for (const bool ever_healthy : {false, true}) {
        CHECK(decide_group(members, AllUnhealthyPolicy::spread, ever_healthy) ==
              GroupDecision{GroupAction::spread, {true, true, false, false}});
        CHECK(decide_group(members, AllUnhealthyPolicy::bypass, ever_healthy) ==
              none(members, GroupAction::bypass));
        CHECK(decide_group(members, AllUnhealthyPolicy::drop, ever_healthy) ==
              none(members, GroupAction::drop));
    }
}

TEST_CASE("group decision: draining and weight 0 are not failures and cause no bypass", "[health]") {
    for (const Members &members : {Members{}, Members{{draining, 1}}, Members{{healthy, 0}},
                                   Members{{unhealthy, 0}, {draining, 2}, {initial, 0}}})
        for (const auto policy : policies)
            CHECK(decide_group(members, policy, true) == none(members, GroupAction::no_target));
}

TEST_CASE("group decision: a group of initial targets is not down", "[health]") {
    const Members members{{initial, 1}, {initial, 2}, {draining, 1}};
    for (const bool ever_healthy : {false, true}) {
        CHECK(decide_group(members, AllUnhealthyPolicy::spread, ever_healthy) ==
              GroupDecision{GroupAction::spread, {true, true, false}});
        for (const auto policy : {AllUnhealthyPolicy::bypass, AllUnhealthyPolicy::drop})
            CHECK(decide_group(members, policy, ever_healthy) == none(members, GroupAction::no_target_yet));
    }
}

TEST_CASE("group decision: a group that was never healthy is not down until each target has failed",
          "[health]") {
    const Members members{{initial, 1}, {unhealthy, 1}};
    CHECK(decide_group(members, AllUnhealthyPolicy::spread, false) ==
          GroupDecision{GroupAction::spread, {true, true}});
    for (const auto policy : {AllUnhealthyPolicy::bypass, AllUnhealthyPolicy::drop})
        CHECK(decide_group(members, policy, false) == none(members, GroupAction::no_target_yet));
}

TEST_CASE("group decision: a target added to a group that is down has no effect until it is checked",
          "[health]") {
    const Members members{{initial, 1}, {unhealthy, 1}};
    CHECK(decide_group(members, AllUnhealthyPolicy::spread, true) ==
          GroupDecision{GroupAction::spread, {false, true}});
    CHECK(decide_group(members, AllUnhealthyPolicy::bypass, true) == none(members, GroupAction::bypass));
    CHECK(decide_group(members, AllUnhealthyPolicy::drop, true) == none(members, GroupAction::drop));
}
