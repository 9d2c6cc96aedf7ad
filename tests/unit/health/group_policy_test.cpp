#include <catch2/catch.hpp>

#include <algorithm>

#include "controller/health/group_policy.h"

using namespace glb;

namespace {

constexpr std::uint64_t keep_all = GLB_TARGET_KEEP_ESTABLISHED | GLB_TARGET_KEEP_EMBRYONIC;
constexpr std::uint64_t takes = keep_all | GLB_TARGET_ACCEPT_NEW;

auto places(const GroupState &words, std::uint16_t index) {
    return std::count(words.fallback.begin(), words.fallback.end(), index);
}

std::uint64_t word_beside_healthy(TargetState state, std::uint32_t weight, FailurePolicy policy) {
    const TargetInput members[] = {{7, weight, state}, {8, 1, TargetState::healthy}};
    const auto words = decide_group_state(members, policy, AllUnhealthyPolicy::spread, true);
    REQUIRE(words.targets.size() == 2);
    CHECK(words.targets[1] == takes);
    CHECK(places(words, 8) > 0);
    CHECK((places(words, 7) > 0) == (words.targets[0] == takes));
    return words.targets[0];
}

} // namespace

TEST_CASE("words: each state beside a healthy target, under each policy", "[node]") {
    const auto policy = GENERATE(FailurePolicy::hold, FailurePolicy::rehash, FailurePolicy::reset);
    const std::uint64_t failed = policy == FailurePolicy::hold    ? GLB_TARGET_KEEP_ESTABLISHED
                                 : policy == FailurePolicy::reset ? GLB_TARGET_RESET
                                                                  : 0;
    CHECK(word_beside_healthy(TargetState::healthy, 1, policy) == takes);
    CHECK(word_beside_healthy(TargetState::unavailable, 1, policy) == takes);
    CHECK(word_beside_healthy(TargetState::initial, 1, policy) == keep_all);
    CHECK(word_beside_healthy(TargetState::unused, 1, policy) == keep_all);
    CHECK(word_beside_healthy(TargetState::draining, 1, policy) == keep_all);
    CHECK(word_beside_healthy(TargetState::unhealthy, 1, policy) == failed);
}

TEST_CASE("words: weight 0 keep_all all it has and takes nothing, but what has failed keep_all by policy",
          "[node]") {
    const auto policy = GENERATE(FailurePolicy::hold, FailurePolicy::rehash, FailurePolicy::reset);
    for (const auto state : {TargetState::healthy, TargetState::unavailable, TargetState::initial,
                             TargetState::unused, TargetState::draining})
        CHECK(word_beside_healthy(state, 0, policy) == keep_all);
    CHECK(word_beside_healthy(TargetState::unhealthy, 0, policy) == final_target_state(policy));
}

TEST_CASE("words: a group that is down spreads, bypasses or drops", "[node]") {
    const TargetInput down[] = {{1, 1, TargetState::unhealthy}, {2, 1, TargetState::unhealthy}};
    const auto spread = decide_group_state(down, FailurePolicy::rehash, AllUnhealthyPolicy::spread, true);
    CHECK(spread.targets == std::vector<std::uint64_t>{takes, takes}); // and their flows stay, too
    CHECK(spread.decision.action == GroupAction::spread);
    const auto bypass = decide_group_state(down, FailurePolicy::rehash, AllUnhealthyPolicy::bypass, true);
    CHECK(bypass.targets == std::vector<std::uint64_t>{0, 0});
    CHECK(bypass.none == GLB_NO_TARGET_BYPASS);
    CHECK(places(bypass, GLB_NO_TARGET) == GLB_FALLBACK_SLOTS);
    const auto drop = decide_group_state(down, FailurePolicy::hold, AllUnhealthyPolicy::drop, true);
    CHECK(drop.targets ==
          std::vector<std::uint64_t>{GLB_TARGET_KEEP_ESTABLISHED, GLB_TARGET_KEEP_ESTABLISHED});
    CHECK(drop.none == GLB_NO_TARGET_DROP);
}

TEST_CASE("words: not judged yet is not down, and nothing but drains is no bypass", "[node]") {
    const TargetInput fresh[] = {{1, 1, TargetState::initial}};
    CHECK(decide_group_state(fresh, FailurePolicy::rehash, AllUnhealthyPolicy::bypass, false).none ==
          GLB_NO_TARGET_PENDING);
    CHECK(decide_group_state(fresh, FailurePolicy::rehash, AllUnhealthyPolicy::drop, false).none ==
          GLB_NO_TARGET_PENDING);
    CHECK(decide_group_state(fresh, FailurePolicy::rehash, AllUnhealthyPolicy::spread, false).targets ==
          std::vector<std::uint64_t>{takes});
    const TargetInput leaving[] = {{1, 1, TargetState::draining}, {2, 0, TargetState::healthy}};
    CHECK(decide_group_state(leaving, FailurePolicy::rehash, AllUnhealthyPolicy::bypass, true).none ==
          GLB_NO_TARGET_DROP);
    const auto empty = decide_group_state({}, FailurePolicy::rehash, AllUnhealthyPolicy::bypass, true);
    CHECK(empty.none == GLB_NO_TARGET_DROP);
    CHECK(empty.targets.empty());
    CHECK(places(empty, GLB_NO_TARGET) == GLB_FALLBACK_SLOTS);
}

TEST_CASE("words: the fallback list shares its places by weight", "[node]") {
    const TargetInput members[] = {{1, 1, TargetState::healthy},
                                   {2, 3, TargetState::healthy},
                                   {3, 4, TargetState::healthy},
                                   {4, 9, TargetState::unhealthy}};
    const auto words = decide_group_state(members, FailurePolicy::rehash, AllUnhealthyPolicy::spread, true);
    CHECK(places(words, 1) == GLB_FALLBACK_SLOTS / 8);
    CHECK(places(words, 2) == GLB_FALLBACK_SLOTS * 3 / 8);
    CHECK(places(words, 3) == GLB_FALLBACK_SLOTS / 2);
    CHECK(places(words, 4) == 0);
}

TEST_CASE("words: equal weights take turns in the fallback list", "[node]") {
    const TargetInput members[] = {{1, 5, TargetState::healthy}, {2, 5, TargetState::healthy}};
    const auto words = decide_group_state(members, FailurePolicy::rehash, AllUnhealthyPolicy::spread, true);
    for (std::size_t i = 1; i < words.fallback.size(); ++i)
        CHECK(words.fallback[i] != words.fallback[i - 1]);
}

TEST_CASE("words: nobody is reset where the whole group is down, or for a common cause", "[node]") {
    const auto policy =
        GENERATE(AllUnhealthyPolicy::spread, AllUnhealthyPolicy::bypass, AllUnhealthyPolicy::drop);
    const TargetInput down[] = {{1, 1, TargetState::unhealthy}, {2, 1, TargetState::unhealthy}};
    for (const auto word : decide_group_state(down, FailurePolicy::reset, policy, true).targets)
        CHECK((word & GLB_TARGET_RESET) == 0);

    TargetInput together{1, 1, TargetState::unhealthy};
    together.group_outage = true;
    const TargetInput members[] = {together, {2, 1, TargetState::healthy}, {3, 1, TargetState::unhealthy}};
    CHECK(decide_group_state(members, FailurePolicy::reset, policy, true).targets ==
          std::vector<std::uint64_t>{GLB_TARGET_KEEP_ESTABLISHED, takes, GLB_TARGET_RESET});
    CHECK(decide_group_state(members, FailurePolicy::rehash, policy, true).targets.at(0) == 0);
}

TEST_CASE("words: a target on trial takes its share of new flows, and keep_all what comes of it", "[node]") {
    TargetInput tried{1, 1, TargetState::unhealthy};
    tried.is_half_open = true;
    const TargetInput members[] = {tried, {2, 1, TargetState::healthy}};
    const auto policy = GENERATE(FailurePolicy::hold, FailurePolicy::rehash, FailurePolicy::reset);
    const auto words = decide_group_state(members, policy, AllUnhealthyPolicy::spread, true);
    CHECK(words.targets.at(0) == (GLB_TARGET_HALF_OPEN | keep_all));
    CHECK(places(words, 1) == 0);
    tried.weight = 0;
    const TargetInput drained[] = {tried, {2, 1, TargetState::healthy}};
    CHECK(decide_group_state(drained, policy, AllUnhealthyPolicy::spread, true).targets.at(0) ==
          final_target_state(policy));
}

TEST_CASE("words: when a drain's time is over its policy decides over the flows that are left", "[node]") {
    TargetInput leaving{1, 1, TargetState::draining};
    leaving.overdue = GENERATE(FailurePolicy::hold, FailurePolicy::rehash, FailurePolicy::reset);
    const TargetInput members[] = {leaving, {2, 1, TargetState::healthy}};
    CHECK(decide_group_state(members, FailurePolicy::hold, AllUnhealthyPolicy::spread, true).targets.at(0) ==
          final_target_state(*leaving.overdue));
}
