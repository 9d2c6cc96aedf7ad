#include <catch2/catch.hpp>

#include <algorithm>

#include "controller/health/group_policy.h"
#include "tests/unit/health/target_state_values.h"

using namespace glb;
using namespace glb::config;
using namespace glb::health;
using namespace glb::test;

namespace {

auto slots_of(const GroupState &state, std::uint16_t index) {
    return std::count(state.fallback.begin(), state.fallback.end(), index);
}

std::uint64_t state_beside_healthy(TargetState state, std::uint32_t weight, FailurePolicy policy) {
    const TargetInput members[] = {{7, weight, state}, {8, 1, TargetState::healthy}};
    const auto group = decide_group_state(members, policy, AllUnhealthyPolicy::spread, true);
    REQUIRE(group.targets.size() == 2);
    CHECK(group.targets[1] == accept_all);
    CHECK(slots_of(group, 8) > 0);
    CHECK((slots_of(group, 7) > 0) == (group.targets[0] == accept_all));
    return group.targets[0];
}

} // namespace

TEST_CASE("group policy: each target state in a group with a healthy target", "[policy]") {
    const auto policy = GENERATE(FailurePolicy::hold, FailurePolicy::rehash, FailurePolicy::reset);
    const std::uint64_t failed = policy == FailurePolicy::hold    ? GLB_TARGET_KEEP_ESTABLISHED
                                 : policy == FailurePolicy::reset ? GLB_TARGET_RESET
                                                                  : 0;
    CHECK(state_beside_healthy(TargetState::healthy, 1, policy) == accept_all);
    CHECK(state_beside_healthy(TargetState::unavailable, 1, policy) == accept_all);
    CHECK(state_beside_healthy(TargetState::initial, 1, policy) == keep_all);
    CHECK(state_beside_healthy(TargetState::unused, 1, policy) == keep_all);
    CHECK(state_beside_healthy(TargetState::draining, 1, policy) == keep_all);
    CHECK(state_beside_healthy(TargetState::unhealthy, 1, policy) == failed);
}

TEST_CASE("group policy: weight 0 keeps flows and accepts none, unless the target has failed", "[policy]") {
    const auto policy = GENERATE(FailurePolicy::hold, FailurePolicy::rehash, FailurePolicy::reset);
    for (const auto state : {TargetState::healthy, TargetState::unavailable, TargetState::initial,
                             TargetState::unused, TargetState::draining})
        CHECK(state_beside_healthy(state, 0, policy) == keep_all);
    CHECK(state_beside_healthy(TargetState::unhealthy, 0, policy) == final_target_state(policy));
}

TEST_CASE("group policy: a group that is down spreads, bypasses or drops", "[policy]") {
    const TargetInput down[] = {{1, 1, TargetState::unhealthy}, {2, 1, TargetState::unhealthy}};
    const auto spread = decide_group_state(down, FailurePolicy::rehash, AllUnhealthyPolicy::spread, true);
    CHECK(spread.targets == std::vector<std::uint64_t>{accept_all, accept_all}); // and their flows stay, too
    CHECK(spread.decision.action == GroupAction::spread);
    const auto bypass = decide_group_state(down, FailurePolicy::rehash, AllUnhealthyPolicy::bypass, true);
    CHECK(bypass.targets == std::vector<std::uint64_t>{0, 0});
    CHECK(bypass.no_target == GLB_NO_TARGET_BYPASS);
    CHECK(slots_of(bypass, GLB_NO_TARGET) == GLB_FALLBACK_SLOTS);
    const auto drop = decide_group_state(down, FailurePolicy::hold, AllUnhealthyPolicy::drop, true);
    CHECK(drop.targets ==
          std::vector<std::uint64_t>{GLB_TARGET_KEEP_ESTABLISHED, GLB_TARGET_KEEP_ESTABLISHED});
    CHECK(drop.no_target == GLB_NO_TARGET_DROP);
}

TEST_CASE("group policy: unchecked targets are pending, and draining targets cause no bypass", "[policy]") {
    const TargetInput fresh[] = {{1, 1, TargetState::initial}};
    CHECK(decide_group_state(fresh, FailurePolicy::rehash, AllUnhealthyPolicy::bypass, false).no_target ==
          GLB_NO_TARGET_PENDING);
    CHECK(decide_group_state(fresh, FailurePolicy::rehash, AllUnhealthyPolicy::drop, false).no_target ==
          GLB_NO_TARGET_PENDING);
    CHECK(decide_group_state(fresh, FailurePolicy::rehash, AllUnhealthyPolicy::spread, false).targets ==
          std::vector<std::uint64_t>{accept_all});
    const TargetInput draining[] = {{1, 1, TargetState::draining}, {2, 0, TargetState::healthy}};
    CHECK(decide_group_state(draining, FailurePolicy::rehash, AllUnhealthyPolicy::bypass, true).no_target ==
          GLB_NO_TARGET_DROP);
    const auto empty = decide_group_state({}, FailurePolicy::rehash, AllUnhealthyPolicy::bypass, true);
    CHECK(empty.no_target == GLB_NO_TARGET_DROP);
    CHECK(empty.targets.empty());
    CHECK(slots_of(empty, GLB_NO_TARGET) == GLB_FALLBACK_SLOTS);
}

TEST_CASE("fallback list: slots are proportional to weights", "[policy]") {
    const TargetInput members[] = {{1, 1, TargetState::healthy},
                                   {2, 3, TargetState::healthy},
                                   {3, 4, TargetState::healthy},
                                   {4, 9, TargetState::unhealthy}};
    const auto state = decide_group_state(members, FailurePolicy::rehash, AllUnhealthyPolicy::spread, true);
    CHECK(slots_of(state, 1) == GLB_FALLBACK_SLOTS / 8);
    CHECK(slots_of(state, 2) == GLB_FALLBACK_SLOTS * 3 / 8);
    CHECK(slots_of(state, 3) == GLB_FALLBACK_SLOTS / 2);
    CHECK(slots_of(state, 4) == 0);
}

TEST_CASE("fallback list: equal weights alternate", "[policy]") {
    const TargetInput members[] = {{1, 5, TargetState::healthy}, {2, 5, TargetState::healthy}};
    const auto state = decide_group_state(members, FailurePolicy::rehash, AllUnhealthyPolicy::spread, true);
    for (std::size_t i = 1; i < state.fallback.size(); ++i)
        CHECK(state.fallback[i] != state.fallback[i - 1]);
}

TEST_CASE("group policy: no resets while the group is down, or for a group-wide outage", "[policy]") {
    const auto policy =
        GENERATE(AllUnhealthyPolicy::spread, AllUnhealthyPolicy::bypass, AllUnhealthyPolicy::drop);
    const TargetInput down[] = {{1, 1, TargetState::unhealthy}, {2, 1, TargetState::unhealthy}};
    for (const auto flags : decide_group_state(down, FailurePolicy::reset, policy, true).targets)
        CHECK((flags & GLB_TARGET_RESET) == 0);

    TargetInput together{1, 1, TargetState::unhealthy};
    together.group_outage = true;
    const TargetInput members[] = {together, {2, 1, TargetState::healthy}, {3, 1, TargetState::unhealthy}};
    CHECK(decide_group_state(members, FailurePolicy::reset, policy, true).targets ==
          std::vector<std::uint64_t>{GLB_TARGET_KEEP_ESTABLISHED, accept_all, GLB_TARGET_RESET});
    CHECK(decide_group_state(members, FailurePolicy::rehash, policy, true).targets.at(0) == 0);
}

TEST_CASE("group policy: half-open target receives its share of new flows and keeps them", "[policy]") {
    TargetInput half_open{1, 1, TargetState::unhealthy};
    half_open.is_half_open = true;
    const TargetInput members[] = {half_open, {2, 1, TargetState::healthy}};
    const auto policy = GENERATE(FailurePolicy::hold, FailurePolicy::rehash, FailurePolicy::reset);
    const auto state = decide_group_state(members, policy, AllUnhealthyPolicy::spread, true);
    CHECK(state.targets.at(0) == (GLB_TARGET_HALF_OPEN | keep_all));
    CHECK(slots_of(state, 1) == 0);
    half_open.weight = 0;
    const TargetInput drained[] = {half_open, {2, 1, TargetState::healthy}};
    CHECK(decide_group_state(drained, policy, AllUnhealthyPolicy::spread, true).targets.at(0) ==
          final_target_state(policy));
}

TEST_CASE("group policy: after the deadline of a drain onDeregistered applies to the remaining flows",
          "[policy]") {
    TargetInput draining{1, 1, TargetState::draining};
    draining.overdue = GENERATE(FailurePolicy::hold, FailurePolicy::rehash, FailurePolicy::reset);
    const TargetInput members[] = {draining, {2, 1, TargetState::healthy}};
    CHECK(decide_group_state(members, FailurePolicy::hold, AllUnhealthyPolicy::spread, true).targets.at(0) ==
          final_target_state(*draining.overdue));
}
