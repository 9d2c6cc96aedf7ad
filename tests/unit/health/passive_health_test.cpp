// TargetHealth: backoff, and recovery from passive failures.
#include <catch2/catch.hpp>

#include "controller/health/target_health.h"

using namespace glb;
using namespace glb::health;
using namespace std::chrono_literals;
using enum TargetState;

namespace {

const HealthPolicy default_policy{
    .checks_enabled = true, .healthy_threshold = 3, .unhealthy_threshold = 2, .passive = true};
const MonotonicTime start_time{100s};
const ProbeResult ok_result{ProbeOutcome::ok, 200, "", 1ms};
const ProbeResult timeout_result{ProbeOutcome::timeout, 0, "no answer within 1000 ms", 1s};

TargetHealth serving(const HealthPolicy &policy = default_policy) {
    return {policy, start_time, PersistedHealth{healthy, HealthReason::none}};
}

// Fails by its checks at `now`, then succeeds each second. Returns the time until it is healthy.
std::chrono::seconds outage(TargetHealth &target, MonotonicTime &now) {
    target.on_probe(timeout_result, now);
    REQUIRE(target.on_probe(timeout_result, now));
    const auto failed = now;
    while (target.state() != healthy) {
        now += 1s;
        target.on_probe(ok_result, now);
        target.tick(now);
    }
    return std::chrono::duration_cast<std::chrono::seconds>(now - failed);
}

// Successful checks for an hour.
void succeed_for_an_hour(TargetHealth &target, MonotonicTime &now) {
    for (int i = 0; i < 3600; ++i, now += 1s) {
        target.on_probe(ok_result, now);
        target.tick(now);
    }
}

} // namespace

TEST_CASE("backoff: first recovery takes the threshold only, repeated failures double the delay",
          "[health]") {
    auto target = serving();
    auto now = start_time;
    std::vector<std::chrono::seconds> outages;
    for (int i = 0; i < 9; ++i, now += 30s)
        outages.push_back(outage(target, now));
    CHECK(outages == std::vector<std::chrono::seconds>{3s, 10s, 20s, 40s, 80s, 160s, 300s, 300s, 300s});
    now += 569s;
    CHECK(outage(target, now) == 300s);
    now += 600s; // healthy for long enough: the number of failures is reset
    CHECK(outage(target, now) == 3s);
}

TEST_CASE("backoff: a target that starts late has not failed", "[health]") {
    TargetHealth target(default_policy, start_time);
    auto now = start_time;
    for (int i = 0; i < 10; ++i)
        target.on_probe(timeout_result, now);
    CHECK(target.state() == unhealthy);
    for (int i = 0; i < 3; ++i)
        target.on_probe(ok_result, now);
    REQUIRE(target.state() == healthy);
    CHECK(outage(target, now) == 3s);
}

TEST_CASE("backoff: reported in the description, reason is unchanged", "[health]") {
    auto target = serving();
    auto now = start_time;
    outage(target, now);
    target.on_probe(timeout_result, now);
    target.on_probe(timeout_result, now);
    for (int i = 0; i < 4; ++i)
        target.on_probe(ok_result, now);
    CHECK(target.state() == unhealthy);
    CHECK(target.reason() == HealthReason::timeout);
    CHECK(target.description() == "checks succeed again; recovery delayed by 10 s after 2 failures");
}

TEST_CASE("backoff: the description of a passive failure says what the recovery waits for", "[health]") {
    auto target = serving();
    auto now = start_time;
    target.on_passive_failure("8 flows unanswered", false, now);
    target.tick(now += 1s);
    CHECK(target.description() == "8 flows unanswered; recovery test in 9 s");
    for (int i = 0; i < 3; ++i)
        target.on_in_band(true, now);
    REQUIRE(target.state() == healthy);
    target.on_passive_failure("9 flows unanswered", false, now);
    target.tick(now);
    CHECK(target.description() == "9 flows unanswered"); // no probe has returned
    for (int i = 0; i < 3; ++i)
        target.on_in_band(true, now);
    CHECK(target.state() == unhealthy);
    CHECK(target.description() ==
          "9 flows unanswered; probes return again; recovery delayed by 10 s after 2 failures");
    CHECK(target.persisted().description == "9 flows unanswered"); // what is kept over a restart
    target.on_in_band(false, now += 1s);
    CHECK(target.description() == "9 flows unanswered");
    for (int i = 0; i < 3; ++i)
        target.on_in_band(true, now + 10s);
    CHECK(target.state() == healthy);
    CHECK(target.description().empty());
}

TEST_CASE("passive failure: not ended by successful checks", "[health]") {
    auto target = serving();
    auto now = start_time;
    target.on_in_band(true, now); // in-band probes work: half-open only after the longest wait
    const auto out = target.on_passive_failure("16 flows unanswered", false, now);
    REQUIRE(out);
    CHECK(out->to == unhealthy);
    CHECK(to_string(out->reason) == "Target.NoReturnTraffic");
    CHECK(target.failed_passively());
    succeed_for_an_hour(target, now);
    CHECK(target.state() == unhealthy);
    CHECK(target.reason() == HealthReason::no_return_traffic);
    CHECK_FALSE(target.on_passive_failure("again", false, now)); // it has failed already
}

TEST_CASE("passive failure: ended by consecutive in-band answers", "[health]") {
    auto target = serving();
    target.on_passive_failure("unresponsive", false, start_time);
    CHECK_FALSE(target.on_in_band(true, start_time + 1s));
    CHECK_FALSE(target.on_in_band(true, start_time + 2s));
    CHECK_FALSE(target.on_in_band(false, start_time + 3s));
    CHECK_FALSE(target.on_in_band(true, start_time + 4s));
    CHECK_FALSE(target.on_in_band(true, start_time + 5s));
    const auto transition = target.on_in_band(true, start_time + 6s);
    REQUIRE(transition);
    CHECK(transition->to == healthy);
    CHECK_FALSE(target.failed_passively());
}

TEST_CASE("passive failure: recovery of a repeatedly failing target waits for the backoff", "[health]") {
    auto target = serving();
    auto now = start_time;
    std::vector<std::chrono::seconds> outages;
    for (int i = 0; i < 4; ++i, now += 30s) {
        REQUIRE(target.on_passive_failure("unresponsive", false, now));
        const auto failed = now;
        while (target.state() != healthy)
            target.on_in_band(true, now += 1s);
        outages.push_back(std::chrono::duration_cast<std::chrono::seconds>(now - failed));
    }
    CHECK(outages == std::vector<std::chrono::seconds>{3s, 10s, 20s, 40s});
}

TEST_CASE("passive failure: unanswered in-band probes alone fail no target", "[health]") {
    auto target = serving();
    target.on_in_band(true, start_time);
    for (int i = 0; i < 100; ++i)
        CHECK_FALSE(target.on_in_band(false, start_time));
    CHECK(target.state() == healthy);
}

TEST_CASE("group-wide outage: one answer ends it, and no failure is counted", "[health]") {
    auto target = serving();
    auto now = start_time;
    for (int i = 0; i < 5; ++i) {
        REQUIRE(target.on_passive_failure("all unresponsive", true, now));
        CHECK(target.group_outage());
        CHECK(target.on_in_band(true, now += 1ms)->to == healthy);
        CHECK_FALSE(target.group_outage());
    }
    CHECK(outage(target, now) == 3s);
}

TEST_CASE("half-open: follows the backoff where in-band probes never worked, new flows must return",
          "[health]") {
    auto target = serving();
    target.on_passive_failure("unresponsive", false, start_time);
    target.on_probe(ok_result, start_time + 9s);
    target.tick(start_time + 9s);
    CHECK_FALSE(target.is_half_open());
    CHECK_FALSE(
        target.on_new_flows(100, 100, start_time + 9s)); // flows for lack of another target do not count
    target.tick(start_time + 10s);
    CHECK(target.is_half_open());
    CHECK(target.state() == unhealthy);
    target.on_in_band(false, start_time + 10s); // an appliance that drops the reserved endpoint
    CHECK(target.description() == "unresponsive; recovery test: receives 1 % of new flows");

    SECTION("as many returns as the threshold end the failure") {
        CHECK_FALSE(target.on_new_flows(100, 2, start_time + 11s)); // a firewall that denies most
        const auto transition = target.on_new_flows(5, 1, start_time + 12s);
        REQUIRE(transition);
        CHECK(transition->to == healthy);
        CHECK_FALSE(target.is_half_open());
    }
    SECTION("none of sixteen ends the phase, and the next one is delayed longer") {
        auto now = start_time + 10s;
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
                target.tick(now += 1s);
            waits.push_back(std::chrono::duration_cast<std::chrono::seconds>(now - ended));
        }
        CHECK(waits == std::vector<std::chrono::seconds>{20s, 40s, 80s, 160s, 300s, 300s});
        CHECK(target.state() == unhealthy);
    }
    SECTION("flows that have just started may still return") {
        CHECK_FALSE(target.on_new_flows(50, 0, start_time + 11s));
        CHECK(target.is_half_open());
        CHECK(target.on_new_flows(0, 3, start_time + 12s)->to == healthy);
    }
    SECTION("in-band answers count as well") {
        target.on_in_band(true, start_time + 11s);
        target.on_in_band(true, start_time + 11s);
        CHECK(target.on_in_band(true, start_time + 11s)->to == healthy);
    }
    SECTION("not half-open while checks fail, and no recovery without traffic") {
        target.on_probe(timeout_result, start_time + 11s);
        target.on_probe(timeout_result, start_time + 11s);
        CHECK_FALSE(target.is_half_open());
        auto now = start_time + 12s;
        succeed_for_an_hour(target, now);
        CHECK(target.is_half_open());
        CHECK(target.state() == unhealthy);
    }
}

TEST_CASE("half-open: follows the longest backoff where in-band probes worked", "[health]") {
    auto target = serving();
    target.on_in_band(true, start_time);
    target.on_passive_failure("unresponsive", false, start_time);
    target.tick(start_time + 299s);
    CHECK_FALSE(target.is_half_open());
    target.tick(start_time + 300s);
    CHECK(target.is_half_open());
}

TEST_CASE("target health: passive and active failure both have to recover", "[health]") {
    const bool traffic_first = GENERATE(true, false);
    auto target = serving();
    target.on_passive_failure("unresponsive", false, start_time);
    target.on_probe(timeout_result, start_time);
    target.on_probe(timeout_result, start_time);
    const auto traffic = [&] {
        for (int i = 0; i < 3; ++i)
            target.on_in_band(true, start_time + 1s);
    };
    const auto checks = [&] {
        for (int i = 0; i < 3; ++i)
            target.on_probe(ok_result, start_time + 2s);
    };
    traffic_first ? traffic() : checks();
    CHECK(target.state() == unhealthy);
    CHECK(target.reason() == (traffic_first ? HealthReason::timeout : HealthReason::no_return_traffic));
    traffic_first ? checks() : traffic();
    CHECK(target.state() == healthy); // at once: an outage counts as one failure
}

TEST_CASE("passive failure: survives daemon restart", "[health]") {
    TargetHealth target(default_policy, start_time,
                        PersistedHealth{unhealthy, HealthReason::no_return_traffic});
    auto now = start_time;
    CHECK(target.state() == unhealthy);
    CHECK(target.reason() == HealthReason::no_return_traffic);
    succeed_for_an_hour(target, now);
    CHECK(target.state() == unhealthy);
    CHECK(target.is_half_open());
    for (int i = 0; i < 3; ++i)
        target.on_in_band(true, now);
    CHECK(target.state() == healthy);

    auto policy = default_policy;
    policy.passive = false; // only its checks can end the failure
    TargetHealth other(policy, start_time, PersistedHealth{unhealthy, HealthReason::no_return_traffic});
    CHECK(other.state() == unhealthy);
    for (int i = 0; i < 3; ++i)
        other.on_probe(ok_result, start_time);
    CHECK(other.state() == healthy);
}

TEST_CASE("backoff: number of failures survives daemon restart", "[health]") {
    TargetHealth target(default_policy, start_time,
                        PersistedHealth{unhealthy, HealthReason::no_return_traffic, 3});
    CHECK(target.persisted().failures == 3);
    const auto answers = [&](MonotonicTime now) {
        for (int i = 0; i < 5; ++i)
            target.on_in_band(true, now);
        return target.state();
    };
    CHECK(answers(start_time + 19s) ==
          unhealthy); // 10 s doubled once for the third failure, counted from the restart
    CHECK(answers(start_time + 20s) == healthy);
    CHECK(target.on_passive_failure("unresponsive", false, start_time + 30s));
    CHECK(target.persisted().failures == 4);

    TargetHealth serving(default_policy, start_time, PersistedHealth{healthy, HealthReason::none, 3});
    CHECK(serving.on_passive_failure("unresponsive", false, start_time + 599s));
    CHECK(serving.persisted().failures == 4);
    TargetHealth recovered(default_policy, start_time, PersistedHealth{healthy, HealthReason::none, 3});
    CHECK(recovered.on_passive_failure("unresponsive", false, start_time + 600s));
    CHECK(recovered.persisted().failures == 1);
}

TEST_CASE("passive failure: ends when passive health is disabled", "[health]") {
    auto policy = default_policy;
    policy.passive = false;
    auto target = serving(policy);
    CHECK_FALSE(target.on_passive_failure("unresponsive", false, start_time));
    target = serving();
    target.on_passive_failure("unresponsive", false, start_time);
    CHECK(target.set_policy(policy, start_time)->to == healthy);
}

TEST_CASE("passive failure: without checks traffic alone decides", "[health]") {
    auto policy = default_policy;
    policy.checks_enabled = false;
    TargetHealth target(policy, start_time);
    CHECK(target.state() == unavailable);
    CHECK(target.on_passive_failure("unresponsive", false, start_time)->to == unhealthy);
    target.tick(start_time + 10s);
    CHECK(target.is_half_open());
    CHECK(target.on_new_flows(10, 10, start_time + 11s)->to == unavailable);
}
