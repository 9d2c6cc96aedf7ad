#include <catch2/catch.hpp>

#include "controller/health/target_health.h"

using namespace glb;
using namespace glb::health;
using namespace std::chrono_literals;
using enum TargetState;

namespace {

const HealthPolicy default_policy{.checks_enabled = true, .healthy_threshold = 3, .unhealthy_threshold = 2};
const MonotonicTime start_time{100s};

const ProbeResult ok_result{ProbeOutcome::ok, 200, "", 1ms};
const ProbeResult timeout_result{ProbeOutcome::timeout, 0, "no answer within 1000 ms", 1s};
const ProbeResult mismatch_result{ProbeOutcome::mismatch, 404, "status 404 is not in 200-399", 1ms};
const ProbeResult refused_result{ProbeOutcome::refused, 0, "connection refused", 1ms};

TargetHealth known_as(TargetState state, HealthReason reason = HealthReason::none) {
    return {default_policy, start_time, PersistedHealth{state, reason}};
}

} // namespace

TEST_CASE("target health: new target is initial, and healthy after one success", "[health]") {
    TargetHealth target(default_policy, start_time);
    CHECK(target.state() == initial);
    CHECK(to_string(target.reason()) == "Elb.RegistrationInProgress");
    CHECK_FALSE(target.on_registered(start_time + 1s));
    CHECK(to_string(target.reason()) == "Elb.InitialHealthChecking");

    CHECK_FALSE(target.on_probe(timeout_result, start_time + 2s));
    REQUIRE(target.errors().last(start_time + 2s));
    CHECK(target.errors().last(start_time + 2s)->text == timeout_result.detail);
    CHECK(target.errors().last(start_time + 2s)->at == start_time + 2s);
    const auto transition = target.on_probe(ok_result, start_time + 3s);
    REQUIRE(transition);
    CHECK(transition->from == initial);
    CHECK(transition->to == healthy);
    CHECK(transition->reason == HealthReason::none);
    CHECK(transition->at == start_time + 3s);
    CHECK(target.since() == start_time + 3s);
    CHECK_FALSE(target.errors().last(start_time + 3s)); // success clears it
}

TEST_CASE("target health: new target fails after the threshold of failures", "[health]") {
    TargetHealth target(default_policy, start_time);
    CHECK_FALSE(target.on_probe(refused_result, start_time));
    CHECK(target.reason() == HealthReason::initial_health_checking);
    const auto transition = target.on_probe(refused_result, start_time + 1s);
    REQUIRE(transition);
    CHECK(transition->to == unhealthy);
    CHECK(to_string(transition->reason) == "Target.FailedHealthChecks");
    CHECK(transition->description == "connection refused");
}

TEST_CASE("target health: thresholds count consecutive results", "[health]") {
    auto target = known_as(healthy);
    for (int i = 0; i < 10; ++i) {
        CHECK_FALSE(target.on_probe(timeout_result, start_time));
        CHECK_FALSE(target.on_probe(ok_result, start_time));
    }
    CHECK_FALSE(target.on_probe(timeout_result, start_time));
    REQUIRE(target.on_probe(timeout_result, start_time));
    CHECK(target.state() == unhealthy);
    for (int i = 0; i < 10; ++i) {
        CHECK_FALSE(target.on_probe(ok_result, start_time));
        CHECK_FALSE(target.on_probe(ok_result, start_time));
        CHECK_FALSE(target.on_probe(timeout_result, start_time));
    }
    CHECK_FALSE(target.on_probe(ok_result, start_time));
    CHECK_FALSE(target.on_probe(ok_result, start_time));
    REQUIRE(target.on_probe(ok_result, start_time));
    CHECK(target.state() == healthy);
    CHECK(target.reason() == HealthReason::none);
    CHECK(target.description().empty());
}

TEST_CASE("target health: reason follows the last failed check without a transition", "[health]") {
    auto target = known_as(healthy);
    target.on_probe(mismatch_result, start_time);
    const auto down = target.on_probe(timeout_result, start_time + 1s);
    REQUIRE(down);
    CHECK(to_string(down->reason) == "Target.Timeout");
    CHECK_FALSE(target.on_probe(mismatch_result, start_time + 2s));
    CHECK(to_string(target.reason()) == "Target.ResponseCodeMismatch");
    CHECK(target.description() == mismatch_result.detail);
    CHECK(target.since() == start_time + 1s);
}

TEST_CASE("target health: persisted state survives the first results after a restart", "[health]") {
    auto up = known_as(healthy);
    CHECK(up.state() == healthy);
    CHECK_FALSE(up.on_registered(start_time));
    CHECK_FALSE(up.on_probe(timeout_result, start_time));
    CHECK(up.on_probe(timeout_result, start_time));

    auto down = known_as(unhealthy, HealthReason::timeout);
    CHECK(down.state() == unhealthy);
    CHECK(down.reason() == HealthReason::timeout);
    CHECK_FALSE(down.on_probe(ok_result, start_time));
    CHECK_FALSE(down.on_probe(ok_result, start_time));
    CHECK(down.on_probe(ok_result, start_time));

    CHECK(known_as(initial).state() == initial);
    CHECK(known_as(unavailable).state() == healthy); // it was serving, and its checks are enabled now
}

TEST_CASE("target health: other evidence applies when a drain ends", "[health]") {
    auto target = known_as(healthy);
    const auto out = target.set_draining(Draining::by_operator, start_time);
    REQUIRE(out);
    CHECK(out->to == draining);
    CHECK(to_string(out->reason) == "Target.DeregistrationInProgress");
    CHECK_FALSE(target.on_probe(timeout_result, start_time));
    CHECK_FALSE(target.on_probe(timeout_result, start_time));
    CHECK(target.reason() == HealthReason::deregistration_in_progress);
    CHECK_FALSE(target.set_draining(Draining::deregistered, start_time));
    CHECK(target.draining() == Draining::deregistered);
    const auto returned = target.set_draining(Draining::no, start_time + 5s);
    REQUIRE(returned);
    CHECK(returned->to == unhealthy);
    CHECK(returned->reason == HealthReason::timeout);
}

TEST_CASE("target health: missing neighbour fails a target at once, resolution restores it", "[health]") {
    auto target = known_as(healthy);
    const auto down = target.on_neighbour(false, start_time);
    REQUIRE(down);
    CHECK(down->to == unhealthy);
    CHECK(to_string(down->reason) == "Target.NoNeighbour");
    CHECK_FALSE(target.on_neighbour(false, start_time));
    CHECK_FALSE(target.on_probe(timeout_result, start_time));
    const auto up = target.on_neighbour(true, start_time + 1s);
    REQUIRE(up);
    CHECK(up->to == healthy);
}

TEST_CASE("target health: unavailable without checks, unless its neighbour is missing", "[health]") {
    auto policy = default_policy;
    policy.checks_enabled = false;
    TargetHealth target(policy, start_time);
    CHECK(target.state() == unavailable);
    CHECK(to_string(target.reason()) == "Target.HealthCheckDisabled");
    CHECK_FALSE(target.on_probe(timeout_result, start_time));
    CHECK(target.on_neighbour(false, start_time)->to == unhealthy);
    CHECK(target.on_neighbour(true, start_time)->to == unavailable);

    // Enabled checks fail it only after the threshold.
    CHECK(target.set_policy(default_policy, start_time)->to == healthy);
    CHECK_FALSE(target.on_probe(timeout_result, start_time));
    CHECK(target.on_probe(timeout_result, start_time)->to == unhealthy);
    CHECK(target.set_policy(policy, start_time)->to == unavailable);
}

TEST_CASE("target health: unused without an endpoint, initial once in use", "[health]") {
    auto target = known_as(healthy);
    const auto out = target.set_in_use(false, start_time);
    REQUIRE(out);
    CHECK(out->to == unused);
    CHECK(to_string(out->reason) == "Target.NotInUse");
    const auto returned = target.set_in_use(true, start_time);
    REQUIRE(returned);
    CHECK(returned->to == initial);
    CHECK(target.on_probe(ok_result, start_time)->to == healthy);
}

TEST_CASE("target health: new thresholds apply from the next result", "[health]") {
    auto target = known_as(healthy);
    target.on_probe(timeout_result, start_time);
    CHECK_FALSE(target.set_policy({true, 1, 4}, start_time));
    CHECK_FALSE(target.on_probe(timeout_result, start_time));
    CHECK_FALSE(target.on_probe(timeout_result, start_time));
    CHECK(target.on_probe(timeout_result, start_time)->to == unhealthy);
    CHECK(target.on_probe(ok_result, start_time)->to == healthy);
}

TEST_CASE("target health: a check that could not be sent is no evidence", "[health]") {
    const ProbeResult unsent{ProbeOutcome::not_sent, 0, "probe socket: Too many open files", {}};
    for (const auto state : {initial, healthy, unhealthy}) {
        auto target = known_as(state, state == unhealthy ? HealthReason::timeout : HealthReason::none);
        target.on_registered(start_time);
        const auto reason = target.reason();
        for (int i = 0; i < 100; ++i)
            CHECK_FALSE(target.on_probe(unsent, start_time + i * 1s));
        CHECK(target.state() == state);
        CHECK(target.reason() == reason);
        CHECK(target.errors().local() == 100);
        REQUIRE(target.errors().last(start_time + 100s));
        CHECK(target.errors().last(start_time + 100s)->text ==
              "local error, not evaluated: probe socket: Too many open files");
        CHECK(target.errors().last(start_time + 100s)->at == start_time + 99s);
        target.on_probe(ok_result, start_time + 100s);
        CHECK_FALSE(target.errors().last(start_time + 100s));
    }
    auto target = known_as(healthy); // between failures it neither counts nor interrupts
    CHECK_FALSE(target.on_probe(timeout_result, start_time));
    CHECK_FALSE(target.on_probe(unsent, start_time));
    CHECK(target.on_probe(timeout_result, start_time)->to == unhealthy);
}

TEST_CASE("target health: that a check was not sent holds only while there are checks", "[health]") {
    const ProbeResult unsent{ProbeOutcome::not_sent, 0, "connect: Cannot assign requested address", {}};
    TargetHealth target(default_policy, start_time);
    target.on_probe(unsent, start_time);
    REQUIRE(target.errors().check_not_sent());
    SECTION("no endpoint uses the group") {
        target.set_in_use(false, start_time);
    }
    SECTION("removed: its last flows end") {
        target.set_draining(Draining::deregistered, start_time);
    }
    CHECK_FALSE(target.errors().check_not_sent());
    CHECK_FALSE(target.errors().last(start_time));
}

TEST_CASE("target health: a failure from before the restart is none of checks that were disabled then",
          "[health]") {
    auto policy = default_policy;
    policy.checks_enabled = false;
    PersistedHealth known{TargetState::unhealthy, HealthReason::no_neighbour, 0, false};
    TargetHealth target(policy, start_time, known);
    CHECK(target.state() == TargetState::unavailable);
    target.set_policy(default_policy, start_time + 1h);
    CHECK(target.state() == TargetState::healthy);
}

TEST_CASE("target health: the last error is that of the present, with its time", "[health]") {
    auto target = known_as(healthy);
    target.on_probe(refused_result, start_time);
    target.errors().record("packets are dropped", start_time + 1s);
    CHECK(target.errors().last(start_time + 2s)->text == "packets are dropped");
    target.on_probe(refused_result, start_time + 3s);
    CHECK(target.errors().last(start_time + 3s)->text == refused_result.detail);
    target.on_probe(ok_result, start_time + 4s);
    CHECK(target.errors().last(start_time + 4s)->text ==
          "packets are dropped"); // a check says nothing about it
    CHECK_FALSE(target.errors().last(start_time + 1s + TargetErrors::record_time + 1ns));
}

TEST_CASE("target health: a verdict is suspended while checks are disabled, and applies again after",
          "[health]") {
    const HealthPolicy none{.checks_enabled = false, .healthy_threshold = 3, .unhealthy_threshold = 2};
    auto broken = known_as(unhealthy, HealthReason::timeout);
    CHECK(broken.set_policy(none, start_time)->to == unavailable);
    CHECK(broken.set_policy(default_policy, start_time)->to == unhealthy);
    CHECK(broken.reason() == HealthReason::timeout);
    CHECK_FALSE(broken.on_probe(ok_result, start_time));
    CHECK_FALSE(broken.on_probe(ok_result, start_time));
    CHECK(broken.on_probe(ok_result, start_time)->to == healthy);

    auto working = known_as(healthy);
    CHECK(working.set_policy(none, start_time)->to == unavailable);
    CHECK(working.set_policy(default_policy, start_time)->to == healthy);
    CHECK_FALSE(working.on_probe(timeout_result, start_time));
    CHECK(working.on_probe(timeout_result, start_time)->to == unhealthy);

    TargetHealth unchecked(default_policy, start_time);
    CHECK(unchecked.set_policy(none, start_time)->to == unavailable);
    CHECK(unchecked.set_policy(default_policy, start_time)->to == initial);

    TargetHealth serving(none, start_time);
    CHECK(serving.state() == unavailable);
    CHECK(serving.set_policy(default_policy, start_time)->to == healthy);
}

TEST_CASE("target health: results of another check do not add up", "[health]") {
    auto broken = known_as(unhealthy, HealthReason::timeout);
    broken.on_probe(ok_result, start_time);
    broken.on_probe(ok_result, start_time);
    broken.set_policy(default_policy, start_time, true);
    CHECK_FALSE(broken.on_probe(ok_result, start_time));
    CHECK(broken.state() == unhealthy);

    auto working = known_as(healthy);
    working.on_probe(timeout_result, start_time);
    working.set_policy(default_policy, start_time, true);
    CHECK_FALSE(working.on_probe(timeout_result, start_time));
    CHECK(working.on_probe(timeout_result, start_time)->to == unhealthy);
}
