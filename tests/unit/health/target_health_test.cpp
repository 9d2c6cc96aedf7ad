#include <catch2/catch.hpp>

#include "controller/health/target_health.h"

using namespace glb;
using namespace std::chrono_literals;
using enum TargetState;

namespace {

const HealthPolicy kPolicy{.checks_enabled = true, .healthy_threshold = 3, .unhealthy_threshold = 2};
const MonotonicTime kStart{100s};

const ProbeResult kOk{ProbeOutcome::ok, 200, "", 1ms};
const ProbeResult kTimeout{ProbeOutcome::timeout, 0, "no answer within 1000 ms", 1s};
const ProbeResult kMismatch{ProbeOutcome::mismatch, 404, "status 404 is not among 200-399", 1ms};
const ProbeResult kRefused{ProbeOutcome::refused, 0, "connection refused", 1ms};

TargetHealth known_as(TargetState state, HealthReason reason = HealthReason::none) {
    return {kPolicy, kStart, PersistedHealth{state, reason}};
}

} // namespace

TEST_CASE("a new target is initial, and healthy after one success", "[health]") {
    TargetHealth target(kPolicy, kStart);
    CHECK(target.state() == initial);
    CHECK(to_string(target.reason()) == "Elb.RegistrationInProgress");
    CHECK_FALSE(target.on_registered(kStart + 1s));
    CHECK(to_string(target.reason()) == "Elb.InitialHealthChecking");

    CHECK_FALSE(target.on_probe(kTimeout, kStart + 2s));
    const auto transition = target.on_probe(kOk, kStart + 3s);
    REQUIRE(transition);
    CHECK(transition->from == initial);
    CHECK(transition->to == healthy);
    CHECK(transition->reason == HealthReason::none);
    CHECK(transition->at == kStart + 3s);
    CHECK(target.since() == kStart + 3s);
    CHECK(target.last_error() == kTimeout.detail);
}

TEST_CASE("a new target fails after the threshold of failures", "[health]") {
    TargetHealth target(kPolicy, kStart);
    CHECK_FALSE(target.on_probe(kRefused, kStart));
    CHECK(target.reason() == HealthReason::initial_health_checking);
    const auto transition = target.on_probe(kRefused, kStart + 1s);
    REQUIRE(transition);
    CHECK(transition->to == unhealthy);
    CHECK(to_string(transition->reason) == "Target.FailedHealthChecks");
    CHECK(transition->description == "connection refused");
}

TEST_CASE("thresholds count consecutive results", "[health]") {
    auto target = known_as(healthy);
    for (int i = 0; i < 10; ++i) {
        CHECK_FALSE(target.on_probe(kTimeout, kStart));
        CHECK_FALSE(target.on_probe(kOk, kStart));
    }
    CHECK_FALSE(target.on_probe(kTimeout, kStart));
    REQUIRE(target.on_probe(kTimeout, kStart));
    CHECK(target.state() == unhealthy);
    for (int i = 0; i < 10; ++i) {
        CHECK_FALSE(target.on_probe(kOk, kStart));
        CHECK_FALSE(target.on_probe(kOk, kStart));
        CHECK_FALSE(target.on_probe(kTimeout, kStart));
    }
    CHECK_FALSE(target.on_probe(kOk, kStart));
    CHECK_FALSE(target.on_probe(kOk, kStart));
    REQUIRE(target.on_probe(kOk, kStart));
    CHECK(target.state() == healthy);
    CHECK(target.reason() == HealthReason::none);
    CHECK(target.description().empty());
}

TEST_CASE("the reason says how the last check failed, and its change is no transition", "[health]") {
    auto target = known_as(healthy);
    target.on_probe(kMismatch, kStart);
    const auto down = target.on_probe(kTimeout, kStart + 1s);
    REQUIRE(down);
    CHECK(to_string(down->reason) == "Target.Timeout");
    CHECK_FALSE(target.on_probe(kMismatch, kStart + 2s));
    CHECK(to_string(target.reason()) == "Target.ResponseCodeMismatch");
    CHECK(target.description() == kMismatch.detail);
    CHECK(target.since() == kStart + 1s);
}

TEST_CASE("the first results after a restart do not flap what was known", "[health]") {
    auto up = known_as(healthy);
    CHECK(up.state() == healthy);
    CHECK_FALSE(up.on_registered(kStart));
    CHECK_FALSE(up.on_probe(kTimeout, kStart));
    CHECK(up.on_probe(kTimeout, kStart));

    auto down = known_as(unhealthy, HealthReason::timeout);
    CHECK(down.state() == unhealthy);
    CHECK(down.reason() == HealthReason::timeout);
    CHECK_FALSE(down.on_probe(kOk, kStart));
    CHECK_FALSE(down.on_probe(kOk, kStart));
    CHECK(down.on_probe(kOk, kStart));

    CHECK(known_as(initial).state() == initial);
    CHECK(known_as(unavailable).state() == healthy); // it served, and its checks are now on
}

TEST_CASE("draining hides the other evidence and ends in what that says", "[health]") {
    auto target = known_as(healthy);
    const auto out = target.set_draining(Draining::by_operator, kStart);
    REQUIRE(out);
    CHECK(out->to == draining);
    CHECK(to_string(out->reason) == "Target.DeregistrationInProgress");
    CHECK_FALSE(target.on_probe(kTimeout, kStart));
    CHECK_FALSE(target.on_probe(kTimeout, kStart));
    CHECK(target.reason() == HealthReason::deregistration_in_progress);
    CHECK_FALSE(target.set_draining(Draining::deregistered, kStart));
    CHECK(target.draining() == Draining::deregistered);
    const auto back = target.set_draining(Draining::no, kStart + 5s);
    REQUIRE(back);
    CHECK(back->to == unhealthy);
    CHECK(back->reason == HealthReason::timeout);
}

TEST_CASE("a missing neighbour fails a target at once, and its return restores it at once", "[health]") {
    auto target = known_as(healthy);
    const auto down = target.on_neighbour(false, kStart);
    REQUIRE(down);
    CHECK(down->to == unhealthy);
    CHECK(to_string(down->reason) == "Target.NoNeighbour");
    CHECK_FALSE(target.on_neighbour(false, kStart));
    CHECK_FALSE(target.on_probe(kTimeout, kStart));
    const auto up = target.on_neighbour(true, kStart + 1s);
    REQUIRE(up);
    CHECK(up->to == healthy);
}

TEST_CASE("without health checks a target is unavailable, unless it has no neighbour", "[health]") {
    auto policy = kPolicy;
    policy.checks_enabled = false;
    TargetHealth target(policy, kStart);
    CHECK(target.state() == unavailable);
    CHECK(to_string(target.reason()) == "Target.HealthCheckDisabled");
    CHECK_FALSE(target.on_probe(kTimeout, kStart));
    CHECK(target.on_neighbour(false, kStart)->to == unhealthy);
    CHECK(target.on_neighbour(true, kStart)->to == unavailable);

    // Switched on, they must fail first.
    CHECK(target.set_policy(kPolicy, kStart)->to == healthy);
    CHECK_FALSE(target.on_probe(kTimeout, kStart));
    CHECK(target.on_probe(kTimeout, kStart)->to == unhealthy);
    CHECK(target.set_policy(policy, kStart)->to == unavailable);
}

TEST_CASE("a target that no endpoint uses is unused, and begins anew when one does", "[health]") {
    auto target = known_as(healthy);
    const auto out = target.set_in_use(false, kStart);
    REQUIRE(out);
    CHECK(out->to == unused);
    CHECK(to_string(out->reason) == "Target.NotInUse");
    const auto back = target.set_in_use(true, kStart);
    REQUIRE(back);
    CHECK(back->to == initial);
    CHECK(target.on_probe(kOk, kStart)->to == healthy);
}

TEST_CASE("new thresholds hold from the next result on", "[health]") {
    auto target = known_as(healthy);
    target.on_probe(kTimeout, kStart);
    CHECK_FALSE(target.set_policy({true, 1, 4}, kStart));
    CHECK_FALSE(target.on_probe(kTimeout, kStart));
    CHECK_FALSE(target.on_probe(kTimeout, kStart));
    CHECK(target.on_probe(kTimeout, kStart)->to == unhealthy);
    CHECK(target.on_probe(kOk, kStart)->to == healthy);
}
