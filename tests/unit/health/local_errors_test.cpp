// Health checks that cannot leave the node: no evidence about the targets.
#include "tests/unit/health/engine_fixture.h"
#include "tests/unit/health/prober_fixture.h"

#include "controller/health/local_error_log.h"
#include "tests/harness/free_descriptors.h"

using namespace glb;
using namespace glb::health;
using namespace glb::test;

namespace {

/// The last targets of the group failed while their source address was missing.
HealthConfig config_without_source(ProbeKind protocol) {
    auto config = engine_config(1, {"a", "b"});
    config.probe_source = *IpAddress::parse("192.0.2.77"); // not of this host
    auto &group = config.groups[0];
    group.on_all_unhealthy = config::AllUnhealthyPolicy::bypass;
    group.probe.protocol = protocol;
    group.probe.interval = group.probe.timeout = 10ms;
    group.policy.unhealthy_threshold = 1;
    group.in_band.is_health_check = protocol == ProbeKind::none;
    group.in_band.interval = group.in_band.timeout = 10ms;
    group.in_band.inner = {*IpAddress::parse("192.0.2.1"), *IpAddress::parse("192.0.2.2"), 7};
    return config;
}

} // namespace

TEST_CASE("local errors: without descriptors a probe is not sent, and the next one is", "[prober]") {
    const auto protocol = GENERATE(ProbeKind::tcp, ProbeKind::http, ProbeKind::https);
    ProberFixture fixture;
    ScriptedServer server(fixture.loop, respond_with("HTTP/1.1 200 OK\r\n\r\n"));
    auto target = target_at(server.port(), protocol);
    target.settings.timeout = 500ms;
    auto &results = fixture.results["fw-1"];
    {
        fixture.loop.poll(); // the reactor has its descriptors
        const FreeDescriptors none(0);
        fixture.prober.set_targets({target});
        REQUIRE(fixture.run_until([&] { return results.size() >= 3; }));
    }
    for (const auto &result : results) {
        CHECK(result.outcome == ProbeOutcome::not_sent);
        CHECK(result.detail == "probe socket: Too many open files");
    }
    results.clear();
    REQUIRE(fixture.run_until([&] { return !results.empty(); }));
    if (protocol == ProbeKind::https) // the server knows no TLS
        CHECK(results.front().outcome != ProbeOutcome::not_sent);
    else
        CHECK(results.front().outcome == ProbeOutcome::ok);
}

TEST_CASE("local errors: destination that the host cannot send to", "[prober]") {
    ProberFixture fixture;
    auto target = target_at(80, ProbeKind::tcp);
    target.address = *IpAddress::parse("255.255.255.255"); // ENETUNREACH for TCP, whatever the routes
    const auto result = fixture.first_result(target);
    CHECK(result.outcome == ProbeOutcome::not_sent);
    CHECK(result.detail == "connect: Network is unreachable");
}

TEST_CASE("local errors: unreadable caFile says nothing about the target", "[prober][https]") {
    ProberFixture fixture;
    auto target = target_at(closed_port(), ProbeKind::https);
    target.settings.ca_file = "/does/not/exist.pem";
    const auto result = fixture.first_result(target);
    CHECK(result.outcome == ProbeOutcome::not_sent);
    CHECK(result.detail.find("/does/not/exist.pem") != std::string::npos);
}

TEST_CASE("local errors: without the tunnel address all targets keep their states, and no group is down",
          "[engine]") {
    const auto protocol = GENERATE(ProbeKind::tcp, ProbeKind::http, ProbeKind::none); // none: GENEVE
    EngineFixture it;
    it.restore_healthy({"g/a"});
    it.apply(config_without_source(protocol), {0, 1});
    const auto errors = [&](const char *name) { return it.target(name).local_errors; };
    REQUIRE(it.run_until([&] { return errors("g/a") >= 5 && errors("g/b") >= 5; }));
    CHECK(it.state("g/a") == TargetState::healthy);
    CHECK(it.state("g/b") == TargetState::initial);
    CHECK(it.port->maps.actions.at(0) == GLB_NO_TARGET_DROP); // not BYPASS
    CHECK(it.engine.snapshot()->groups.at("g") == GroupAction::steer);
    CHECK(it.target("g/a").last_error.starts_with("local error, not evaluated: "));
    CHECK(it.target("g/a").last_error.find("192.0.2.77") != std::string::npos);
    CHECK(it.target("g/a").last_error_at);
    const auto local = it.engine.snapshot()->local_errors;
    CHECK(local.since);
    CHECK(local.count >= 10);
    CHECK(local.text.find("192.0.2.77") != std::string::npos);
    CHECK(it.events_of<TargetUnanswered>().empty());
}

TEST_CASE("local errors: the node's condition begins and ends with one line", "[health]") {
    LocalErrorLog log;
    const MonotonicTime now{100s};
    CHECK(log.update(false, now).empty());
    CHECK(log.record("g/a", "probe socket: Too many open files", now) ==
          "health checks cannot be sent: probe socket: Too many open files (target g/a); targets keep their "
          "states "
          "meanwhile");
    CHECK(log.record("g/b", "probe socket: Too many open files", now + 1s).empty());
    CHECK(log.update(true, now + 2s).empty());
    CHECK(log.errors().since == now);
    CHECK(log.update(false, now + 5s) == "health checks are sent again: 2 were not in the last 5 s");
    CHECK_FALSE(log.errors().since);
    CHECK(log.errors().count == 2);
    CHECK_FALSE(log.record("g/a", "connect: Cannot assign requested address", now + 9s).empty());
    CHECK(log.update(false, now + 10s) == "health checks are sent again: 1 were not in the last 1 s");
}

TEST_CASE("local errors: a probe that is stopped after it could not be sent leaves no timer", "[prober]") {
    ProberFixture fixture;
    auto target = target_at(80, ProbeKind::tcp);
    target.source.address = *IpAddress::parse("192.0.2.77"); // not of this host
    REQUIRE(fixture.first_result(target).outcome == ProbeOutcome::not_sent);
    fixture.prober.set_targets({});
    fixture.loop.run_for(50ms); // its coroutine ends
    fixture.loop.restart();
    CHECK(fixture.loop.run_for(200ms) == 0);
}
