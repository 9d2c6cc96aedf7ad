// Missing return traffic that must not eject a target: firewalls, short pauses, low traffic, outages of all
// targets.
#include <catch2/catch.hpp>

#include "tests/harness/skip.h"
#include "tests/netns/health/paced_flows.h"
#include "tests/netns/health/unresponsive.h"
#include "tests/netns/testbed/echo.h"
#include "tests/netns/testbed/scenario.h"

using namespace glb::test;
using namespace std::chrono_literals;

namespace {

constexpr std::uint16_t other_port = 7001;

/// Two appliances with passive health checks, and an echo server on two ports.
struct Fixture {
    explicit Fixture(ApplianceKind kind = ApplianceKind::hairpin)
        : testbed({.appliances = 2, .kind = kind}), echo(testbed.server, echo_port),
          other(testbed.server, other_port), glbd(testbed.node) {
        glbd.start(passive_manifest(testbed));
        if (!glbd.wait_healthy(2) || !ping(testbed.client, TwoArm::server_address, 1))
            throw std::runtime_error("traffic does not pass:\n" + glbd.log());
    }

    PacedFlows flows(std::size_t count, std::chrono::milliseconds interval,
                     std::uint16_t port = echo_port) const {
        return {testbed.client, TwoArm::server_address, port, count, interval};
    }

    /// `justified` is the number of ejections that the test itself has caused.
    void check_no_false_ejection(std::size_t justified = 0) const {
        INFO(glbd.log());
        CHECK(ejections(glbd) == justified);
        for (const auto &one : testbed.appliances)
            CHECK(eventually(10s,
                             [&] { return state_of(glbd, *one) == "healthy"; })); // active checks may be late
    }

    TwoArm testbed;
    UdpEcho echo, other;
    Daemon glbd;
};

/// Pauses `appliance` for 30 ms, or longer on a loaded machine. Returns the actual time.
std::chrono::nanoseconds pause_briefly(Appliance &appliance) {
    const auto begin = std::chrono::steady_clock::now();
    appliance.pause();
    std::this_thread::sleep_for(30ms);
    appliance.resume();
    return std::chrono::steady_clock::now() - begin;
}

} // namespace

TEST_CASE("false positives: firewall that drops 95 % of all flows stays healthy") {
    need_root();
    const Fixture fixture;
    for (const auto &one :
         fixture.testbed.appliances) // by the inner source port: complete flows; replies pass
        drop_tunnel_packets(*one, "@th,560,16 7000 jhash @th,544,16 mod 100 seed 0x1 < 95");
    std::vector<std::unique_ptr<PacedFlows>> batches; // new flows all the time, 300 in total
    for (int i = 0; i < 15; ++i) {
        batches.push_back(std::make_unique<PacedFlows>(fixture.testbed.client, TwoArm::server_address,
                                                       echo_port, 20, 50ms));
        std::this_thread::sleep_for(400ms);
    }
    std::uint64_t sent = 0, batches_served = 0;
    for (const auto &batch : batches) {
        sent += batch->sent();
        batches_served += batch->replied() > 0;
    }
    CHECK(sent > 10'000);
    CHECK(batches_served > 0); // the appliances do return some traffic
    const std::uint64_t unconfirmed = fixture.glbd.must_ctl({"status"}).at("flows").at("unconfirmed");
    CHECK(unconfirmed > 200);
    fixture.check_no_false_ejection();
    record_scenario("95 % dropped", {sent, ejections(fixture.glbd), {}, "packets", "caused an ejection"});
}

TEST_CASE("false positives: appliance that is paused for 30 ms, 50 times, stays healthy") {
    need_root();
    const Fixture fixture(ApplianceKind::reference);
    auto flows = fixture.flows(48, 10ms);
    REQUIRE(eventually(10s, [&] { return flows.served() == 48; }));
    auto &paused = *fixture.testbed.appliances[busier_of(fixture.testbed, fixture.glbd)];
    REQUIRE(fixture.glbd.target(paused.id()).at("activeFlows") >= 16);
    constexpr std::uint64_t wanted = 50;
    std::uint64_t pauses = 0;
    std::size_t justified = 0;
    for (int tries = 0; pauses < wanted && tries < 1000; ++tries) {
        const auto before = ejections(fixture.glbd);
        const auto took = pause_briefly(paused);
        std::this_thread::sleep_for(100ms);
        if (took < 40ms) { // OutlierDetector::unanswered_time: shorter pauses make no target suspect
            ++pauses;
        } else {
            (void)eventually(20s, [&] { return flows.served() == 48; });
            justified += ejections(fixture.glbd) - before;
        }
    }
    CHECK(pauses == wanted);
    const bool served = eventually(10s, [&] { return flows.served() == 48; });
    INFO(flows.describe_unserved() << describe_unreturned(fixture.glbd)
                                   << (served ? "" : fixture.glbd.flows().dump()));
    CHECK(served);
    fixture.check_no_false_ejection(justified);
    record_scenario("paused for 30 ms",
                    {pauses, ejections(fixture.glbd) - justified, {}, "pauses", "caused an ejection"});
}

TEST_CASE("false positives: neither low traffic with port scans nor the increase after it ejects a target") {
    need_root();
    const Fixture fixture;
    for (const auto &one : fixture.testbed.appliances) // scans of another port get no reply
        drop_tunnel_packets(*one, "@th,560,16 7001");
    {
        const auto day = fixture.flows(40, 10ms);
        REQUIRE(eventually(10s, [&] { return day.served() == 40; }));
    }
    // Eight periods of 1.5 s with low traffic: there is almost none by which targets could be compared.
    std::uint64_t periods = 0;
    for (; periods < 8; ++periods) {
        const auto single_flow = fixture.flows(1, 500ms);
        const auto scan = fixture.flows(3, 400ms, other_port);
        std::this_thread::sleep_for(1500ms);
        CHECK(eventually(10s, [&] { return single_flow.replied() > 0; }));
    }
    auto busy_flows = fixture.flows(60, 10ms);
    CHECK(eventually(10s, [&] { return busy_flows.served() == 60; }));
    std::this_thread::sleep_for(1s);
    fixture.check_no_false_ejection();
    record_scenario("low traffic, then an increase",
                    {periods, ejections(fixture.glbd), {}, "periods of low traffic", "had an ejection"});
}

TEST_CASE("false positives: appliances that drop the first 800 ms of a new endpoint's traffic stay healthy") {
    need_root();
    const Fixture fixture;
    const bool all = GENERATE(true, false);
    // In-band probes pass: their endpoint id begins with the bytes "glbp".
    const auto drop_flows = [&](const Appliance &one) {
        drop_tunnel_packets(one, "@th,160,32 != 0x676c6270");
    };
    drop_flows(*fixture.testbed.appliances[0]);
    if (all)
        drop_flows(*fixture.testbed.appliances[1]);
    auto flows = fixture.flows(40, 20ms);
    std::this_thread::sleep_for(800ms);
    stop_dropping(*fixture.testbed.appliances[0]);
    if (all)
        stop_dropping(*fixture.testbed.appliances[1]);
    CHECK(eventually(10s, [&] { return flows.served() == 40; }));
    std::this_thread::sleep_for(1s);
    fixture.check_no_false_ejection();
    record_scenario(all ? "first 800 ms dropped by all appliances" : "first 800 ms dropped by one appliance",
                    {flows.size(), ejections(fixture.glbd), {}, "flows", "caused an ejection"});
}

TEST_CASE("false positives: server that stops replying ejects no target") {
    need_root();
    const Fixture fixture;
    auto flows = fixture.flows(40, 10ms);
    REQUIRE(eventually(10s, [&] { return flows.served() == 40; }));
    fixture.testbed.server.must({"nft", "table ip dead { chain c { type filter hook prerouting priority raw; "
                                        "udp dport 7000 drop; }; }"});
    REQUIRE(eventually(10s, [&] { return flows.served() == 0; }));
    std::this_thread::sleep_for(2s);
    fixture.check_no_false_ejection();
    record_scenario("server stops replying",
                    {flows.size(), ejections(fixture.glbd), {}, "flows", "caused an ejection"});
}

TEST_CASE("group-wide outage: all appliances serve again as soon as they return traffic") {
    need_root();
    const Fixture fixture;
    auto flows = fixture.flows(48, 10ms);
    REQUIRE(eventually(10s, [&] { return flows.served() == 48 && fixture.glbd.counter("in_band") >= 2; }));
    for (const auto &one : fixture.testbed.appliances)
        drop_tunnel_packets(*one);
    std::this_thread::sleep_for(1s);
    flows.start_measuring();
    for (const auto &one : fixture.testbed.appliances)
        stop_dropping(*one);
    // onAllUnhealthy is `spread`: flows do not wait for a target to become healthy, and an ejection ends with
    // the outage.
    CHECK(eventually(3s, [&] { return flows.served() == 48; }));
    for (const auto &one : fixture.testbed.appliances)
        CHECK(eventually(3s, [&] { return state_of(fixture.glbd, *one) == "healthy"; }));
    const auto gaps = flows.finish();
    record_scenario("all appliances unresponsive for 1 s",
                    {flows.sent(), flows.lost(), static_cast<double>(gaps.longest.count()) / 1000});
}
