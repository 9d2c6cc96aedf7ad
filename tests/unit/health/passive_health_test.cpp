// TargetHealth: hold-down, and what brings a target back whose traffic did not.
#include <catch2/catch.hpp>

#include "controller/health/target_health.h"

using namespace glb;
using namespace std::chrono_literals;
using enum TargetState;

namespace {

const HealthPolicy kPolicy{
    .checks_enabled = true, .healthy_threshold = 3, .unhealthy_threshold = 2, .passive = true};
const MonotonicTime kStart{100s};
const ProbeResult kOk{ProbeOutcome::ok, 200, "", 1ms};
const ProbeResult kTimeout{ProbeOutcome::timeout, 0, "no answer within 1000 ms", 1s};

TargetHealth serving(const HealthPolicy &policy = kPolicy) {
    return {policy, kStart, PersistedHealth{healthy, HealthReason::none}};
}

// Fails by its checks at `now`, and then has successes each second; how long until it is healthy again.
std::chrono::seconds outage(TargetHealth &target, MonotonicTime &now) {
    target.on_probe(kTimeout, now);
    REQUIRE(target.on_probe(kTimeout, now));
    const auto failed = now;
    while (target.state() != healthy) {
        now += 1s;
        target.on_probe(kOk, now);
        target.on_time(now);
    }
    return std::chrono::duration_cast<std::chrono::seconds>(now - failed);
}

// Nothing but green ports for an hour.
void green_port(TargetHealth &target, MonotonicTime &now) {
    for (int i = 0; i < 3600; ++i, now += 1s) {
        target.on_probe(kOk, now);
        target.on_time(now);
    }
}

} // namespace

TEST_CASE("the first recovery is as quick as the threshold; repeated failures are held down ever longer",
          "[health]") {
    auto target = serving();
    auto now = kStart;
    std::vector<std::chrono::seconds> outages;
    for (int i = 0; i < 9; ++i, now += 30s)
        outages.push_back(outage(target, now));
    CHECK(outages == std::vector<std::chrono::seconds>{3s, 10s, 20s, 40s, 80s, 160s, 300s, 300s, 300s});
    now += 569s;
    CHECK(outage(target, now) == 300s);
    now += 600s; // served long: forgotten
    CHECK(outage(target, now) == 3s);
}

TEST_CASE("a target that comes up late has not failed", "[health]") {
    TargetHealth target(kPolicy, kStart);
    auto now = kStart;
    for (int i = 0; i < 10; ++i)
        target.on_probe(kTimeout, now);
    CHECK(target.state() == unhealthy);
    for (int i = 0; i < 3; ++i)
        target.on_probe(kOk, now);
    REQUIRE(target.state() == healthy);
    CHECK(outage(target, now) == 3s);
}

TEST_CASE("while held down, a target says so and keeps its reason", "[health]") {
    auto target = serving();
    auto now = kStart;
    outage(target, now);
    target.on_probe(kTimeout, now);
    target.on_probe(kTimeout, now);
    for (int i = 0; i < 4; ++i)
        target.on_probe(kOk, now);
    CHECK(target.state() == unhealthy);
    CHECK(target.reason() == HealthReason::timeout);
    CHECK(target.description() == "its checks succeed again; held down for 10 s more after 2 failures");
}

TEST_CASE("a passive failure takes a target out, and no green port brings it back", "[health]") {
    auto target = serving();
    auto now = kStart;
    target.on_in_band(true, now); // it has been known to answer: no trial before the longest wait
    const auto out = target.on_passive_failure("16 flows fell silent", false, now);
    REQUIRE(out);
    CHECK(out->to == unhealthy);
    CHECK(to_string(out->reason) == "Target.NoReturnTraffic");
    CHECK(target.failed_passively());
    green_port(target, now);
    CHECK(target.state() == unhealthy);
    CHECK(target.reason() == HealthReason::no_return_traffic);
    CHECK_FALSE(target.on_passive_failure("again", false, now)); // it is out already
}

TEST_CASE("in-band answers bring it back, as many in a row as the healthy threshold", "[health]") {
    auto target = serving();
    target.on_passive_failure("silent", false, kStart);
    CHECK_FALSE(target.on_in_band(true, kStart + 1s));
    CHECK_FALSE(target.on_in_band(true, kStart + 2s));
    CHECK_FALSE(target.on_in_band(false, kStart + 3s));
    CHECK_FALSE(target.on_in_band(true, kStart + 4s));
    CHECK_FALSE(target.on_in_band(true, kStart + 5s));
    const auto back = target.on_in_band(true, kStart + 6s);
    REQUIRE(back);
    CHECK(back->to == healthy);
    CHECK_FALSE(target.failed_passively());
}

TEST_CASE("in-band answers wait for the hold-down of a target that fails again and again", "[health]") {
    auto target = serving();
    auto now = kStart;
    std::vector<std::chrono::seconds> outages;
    for (int i = 0; i < 4; ++i, now += 30s) {
        REQUIRE(target.on_passive_failure("silent", false, now));
        const auto failed = now;
        while (target.state() != healthy)
            target.on_in_band(true, now += 1s);
        outages.push_back(std::chrono::duration_cast<std::chrono::seconds>(now - failed));
    }
    CHECK(outages == std::vector<std::chrono::seconds>{3s, 10s, 20s, 40s});
}

TEST_CASE("silence on the reserved endpoint fails nobody", "[health]") {
    auto target = serving();
    target.on_in_band(true, kStart);
    for (int i = 0; i < 100; ++i)
        CHECK_FALSE(target.on_in_band(false, kStart));
    CHECK(target.state() == healthy);
}

TEST_CASE("after a common cause one answer is enough, at once, and it is no failure of the target's",
          "[health]") {
    auto target = serving();
    auto now = kStart;
    for (int i = 0; i < 5; ++i) {
        REQUIRE(target.on_passive_failure("all fell silent", true, now));
        CHECK(target.group_outage());
        CHECK(target.on_in_band(true, now += 1ms)->to == healthy);
        CHECK_FALSE(target.group_outage());
    }
    CHECK(outage(target, now) == 3s);
}

TEST_CASE("where in-band never worked, a trial follows the hold-down, and its flows must return",
          "[health]") {
    auto target = serving();
    target.on_passive_failure("silent", false, kStart);
    target.on_probe(kOk, kStart + 9s);
    target.on_time(kStart + 9s);
    CHECK_FALSE(target.is_half_open());
    CHECK_FALSE(
        target.on_new_flows(100, 100, kStart + 9s)); // flows that it got for want of another say nothing
    target.on_time(kStart + 10s);
    CHECK(target.is_half_open());
    CHECK(target.state() == unhealthy);

    SECTION("as many returns as the threshold end it well") {
        CHECK_FALSE(target.on_new_flows(100, 2, kStart + 11s)); // a firewall that denies most
        const auto back = target.on_new_flows(5, 1, kStart + 12s);
        REQUIRE(back);
        CHECK(back->to == healthy);
        CHECK_FALSE(target.is_half_open());
    }
    SECTION("none of sixteen ends it badly, and the next one waits longer") {
        auto now = kStart + 10s;
        std::vector<std::chrono::seconds> waits;
        for (int i = 0; i < 6; ++i) {
            REQUIRE(target.is_half_open());
            CHECK_FALSE(target.on_new_flows(15, 0, now + 5s));
            CHECK(target.is_half_open());
            CHECK_FALSE(target.on_new_flows(1, 0, now + 5s));
            CHECK_FALSE(target.is_half_open());
            now += 5s;
            const auto ended = now;
            while (!target.is_half_open())
                target.on_time(now += 1s);
            waits.push_back(std::chrono::duration_cast<std::chrono::seconds>(now - ended));
        }
        CHECK(waits == std::vector<std::chrono::seconds>{20s, 40s, 80s, 160s, 300s, 300s});
        CHECK(target.state() == unhealthy);
    }
    SECTION("flows that have just begun may yet return") {
        CHECK_FALSE(target.on_new_flows(50, 0, kStart + 11s));
        CHECK(target.is_half_open());
        CHECK(target.on_new_flows(0, 3, kStart + 12s)->to == healthy);
    }
    SECTION("an in-band answer counts meanwhile as well") {
        target.on_in_band(true, kStart + 11s);
        target.on_in_band(true, kStart + 11s);
        CHECK(target.on_in_band(true, kStart + 11s)->to == healthy);
    }
    SECTION("no trial while the checks fail, and none without traffic") {
        target.on_probe(kTimeout, kStart + 11s);
        target.on_probe(kTimeout, kStart + 11s);
        CHECK_FALSE(target.is_half_open());
        auto now = kStart + 12s;
        green_port(target, now);
        CHECK(target.is_half_open());
        CHECK(target.state() == unhealthy);
    }
}

TEST_CASE("where in-band has worked, a trial waits for the longest hold-down", "[health]") {
    auto target = serving();
    target.on_in_band(true, kStart);
    target.on_passive_failure("silent", false, kStart);
    target.on_time(kStart + 299s);
    CHECK_FALSE(target.is_half_open());
    target.on_time(kStart + 300s);
    CHECK(target.is_half_open());
}

TEST_CASE("a target whose traffic stays away and whose checks fail needs both to recover", "[health]") {
    const bool traffic_first = GENERATE(true, false);
    auto target = serving();
    target.on_passive_failure("silent", false, kStart);
    target.on_probe(kTimeout, kStart);
    target.on_probe(kTimeout, kStart);
    const auto traffic = [&] {
        for (int i = 0; i < 3; ++i)
            target.on_in_band(true, kStart + 1s);
    };
    const auto checks = [&] {
        for (int i = 0; i < 3; ++i)
            target.on_probe(kOk, kStart + 2s);
    };
    traffic_first ? traffic() : checks();
    CHECK(target.state() == unhealthy);
    CHECK(target.reason() == (traffic_first ? HealthReason::timeout : HealthReason::no_return_traffic));
    traffic_first ? checks() : traffic();
    CHECK(target.state() == healthy); // at once: one outage is one failure, whoever saw it
}

TEST_CASE("no return traffic is remembered across a restart", "[health]") {
    TargetHealth target(kPolicy, kStart, PersistedHealth{unhealthy, HealthReason::no_return_traffic});
    auto now = kStart;
    CHECK(target.state() == unhealthy);
    CHECK(target.reason() == HealthReason::no_return_traffic);
    green_port(target, now);
    CHECK(target.state() == unhealthy);
    CHECK(target.is_half_open());
    for (int i = 0; i < 3; ++i)
        target.on_in_band(true, now);
    CHECK(target.state() == healthy);

    auto policy = kPolicy;
    policy.passive = false; // nobody would bring it back but its checks
    TargetHealth other(policy, kStart, PersistedHealth{unhealthy, HealthReason::no_return_traffic});
    CHECK(other.state() == unhealthy);
    for (int i = 0; i < 3; ++i)
        other.on_probe(kOk, kStart);
    CHECK(other.state() == healthy);
}

TEST_CASE("how often a target has failed is remembered across a restart", "[health]") {
    TargetHealth target(kPolicy, kStart, PersistedHealth{unhealthy, HealthReason::no_return_traffic, 3});
    CHECK(target.failures() == 3);
    const auto answers = [&](MonotonicTime now) {
        for (int i = 0; i < 5; ++i)
            target.on_in_band(true, now);
        return target.state();
    };
    CHECK(answers(kStart + 19s) == unhealthy); // 10 s doubled once for the third failure, from the restart on
    CHECK(answers(kStart + 20s) == healthy);
    CHECK(target.on_passive_failure("silent", false, kStart + 30s));
    CHECK(target.failures() == 4);

    TargetHealth serving(kPolicy, kStart, PersistedHealth{healthy, HealthReason::none, 3});
    CHECK(serving.on_passive_failure("silent", false, kStart + 599s));
    CHECK(serving.failures() == 4);
    TargetHealth forgiven(kPolicy, kStart, PersistedHealth{healthy, HealthReason::none, 3});
    CHECK(forgiven.on_passive_failure("silent", false, kStart + 600s));
    CHECK(forgiven.failures() == 1);
}

TEST_CASE("passive health that is switched off accuses nobody", "[health]") {
    auto policy = kPolicy;
    policy.passive = false;
    auto target = serving(policy);
    CHECK_FALSE(target.on_passive_failure("silent", false, kStart));
    target = serving();
    target.on_passive_failure("silent", false, kStart);
    CHECK(target.set_policy(policy, kStart)->to == healthy);
}

TEST_CASE("without checks the traffic alone decides", "[health]") {
    auto policy = kPolicy;
    policy.checks_enabled = false;
    TargetHealth target(policy, kStart);
    CHECK(target.state() == unavailable);
    CHECK(target.on_passive_failure("silent", false, kStart)->to == unhealthy);
    target.on_time(kStart + 10s);
    CHECK(target.is_half_open());
    CHECK(target.on_new_flows(10, 10, kStart + 11s)->to == unavailable);
}
