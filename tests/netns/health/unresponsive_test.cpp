// Targets that return no traffic while their health port still answers.
#include <optional>

#include <catch2/catch.hpp>

#include "tests/harness/skip.h"
#include "tests/netns/health/paced_flows.h"
#include "tests/netns/health/unresponsive.h"
#include "tests/netns/testbed/echo.h"
#include "tests/netns/testbed/scenario.h"

using namespace glb::test;
using namespace std::chrono_literals;

namespace {

constexpr std::uint16_t blocked_port = 7001;

} // namespace

TEST_CASE("passive health: unresponsive target with healthy port is ejected and recovers by in-band probes") {
    need_root();
    const TwoArm testbed({.appliances = 2});
    const UdpEcho echo(testbed.server, echo_port);
    Daemon glbd(testbed.node);
    glbd.start(passive_manifest(testbed));
    REQUIRE(glbd.wait_healthy(2));
    REQUIRE(ping(testbed.client, TwoArm::server_address, 1));
    REQUIRE(ping(testbed.client, TwoArm::server_address, 1));
    PacedFlows flows(testbed.client, TwoArm::server_address, echo_port, 48, 10ms);
    REQUIRE(eventually(5s, [&] { return flows.served() == 48; }));
    REQUIRE(eventually(5s, [&] { return glbd.counter("in_band") >= 2; }));
    const auto busier = busier_of(testbed, glbd);
    const auto &unresponsive = *testbed.appliances[busier];
    REQUIRE(glbd.target(unresponsive.id()).at("activeFlows") >= 16);
    REQUIRE(glbd.target(unresponsive.id()).at("activeFlows") >= 16);

    drop_tunnel_packets(unresponsive);
    CHECK(eventually(2s, [&] { return state_of(glbd, unresponsive) == state_ejected; }));
    CHECK(eventually(2s, [&] { return flows.served() == 48; }));
    CHECK(state_of(glbd, *testbed.appliances[1 - busier]) == "healthy");

    std::this_thread::sleep_for(3s); // several successful checks of its port
    INFO(glbd.log());
    CHECK(state_of(glbd, unresponsive) == state_ejected);
    CHECK(ejections(glbd) == 1);
    stop_dropping(unresponsive);
    CHECK(eventually(10s, [&] { return state_of(glbd, unresponsive) == "healthy"; }));
}

TEST_CASE("passive health: target that never returned a packet is ejected, and a healthy port does not "
          "restore it") {
    need_root();
    const auto kind = GENERATE(ApplianceKind::hairpin, ApplianceKind::reference);
    const TwoArm testbed({.appliances = 3, .kind = kind});
    const UdpEcho echo(testbed.server, echo_port);
    const auto &dead = *testbed.appliances[2];
    if (kind == ApplianceKind::hairpin)
        drop_tunnel_packets(dead);
    else // its firewall drops the inner packets
        dead.ns().must(
            {"nft", "table inet filter { chain f { type filter hook forward priority 0; policy drop; }; }"});
    Daemon glbd(testbed.node);
    glbd.start(passive_manifest(testbed));
    REQUIRE(glbd.wait_healthy(3));

    const auto begin = PacedFlows::Clock::now();
    const auto is_ejected = [&] { return state_of(glbd, dead) == state_ejected; };
    std::optional<PacedFlows::Clock::time_point> ejected;
    std::vector<std::unique_ptr<PacedFlows>> batches; // 200 new flows within 4 s
    for (int i = 0; i < 20; ++i) {
        batches.push_back(
            std::make_unique<PacedFlows>(testbed.client, TwoArm::server_address, echo_port, 10, 100ms));
        const auto next = PacedFlows::Clock::now() + 200ms;
        if (!ejected && eventually(200ms, is_ejected))
            ejected = PacedFlows::Clock::now();
        std::this_thread::sleep_until(next);
    }
    if (!ejected && eventually(10s, is_ejected))
        ejected = PacedFlows::Clock::now();
    REQUIRE(ejected);
    const std::chrono::duration<double, std::milli> took = *ejected - begin;
    INFO(glbd.log());
    CHECK(took < 14s);
    for (int i = 0; i < 2; ++i)
        CHECK(state_of(glbd, *testbed.appliances[i]) == "healthy");
    std::this_thread::sleep_for(
        5s); // fifty datagrams of each flow, and several successful checks of the port
    CHECK(state_of(glbd, dead) == state_ejected);

    std::uint64_t flows = 0, lost_flows = 0, sent = 0, lost = 0;
    for (const auto &batch : batches) {
        (void)batch->finish();
        flows += batch->size();
        lost_flows += batch->size() - batch->replied_after(*ejected);
        sent += batch->sent();
        lost += batch->lost();
    }
    CHECK(lost_flows == 0);
    CHECK(lost < sent);
    const std::string where =
        kind == ApplianceKind::hairpin ? "tunnel packets dropped" : "inner packets dropped";
    record_scenario(where + ", until ejected", {flows, lost_flows, took.count(), "flows"});
    record_scenario(where + ", until ejected and 5 s longer", {sent, lost});
}

TEST_CASE("passive health: one blocked flow of 20 ejects no target") {
    need_root();
    const TwoArm testbed({.appliances = 2});
    const UdpEcho echo(testbed.server, echo_port), blocked_echo(testbed.server, blocked_port);
    Daemon glbd(testbed.node);
    glbd.start(passive_manifest(testbed));
    REQUIRE(glbd.wait_healthy(2));
    PacedFlows flows(testbed.client, TwoArm::server_address, echo_port, 19, 10ms);
    PacedFlows blocked(testbed.client, TwoArm::server_address, blocked_port, 1, 10ms);
    REQUIRE(eventually(5s, [&] { return flows.served() == 19 && blocked.served() == 1; }));
    for (const auto &one : testbed.appliances)
        drop_tunnel_packets(*one, "@th,560,16 7001");
    REQUIRE(eventually(2s, [&] { return blocked.served() == 0; }));
    std::this_thread::sleep_for(3s);
    CHECK(flows.served() == 19);
    for (const auto &one : testbed.appliances)
        CHECK(state_of(glbd, *one) == "healthy");
    CHECK(ejections(glbd) == 0);
    record_scenario("one blocked flow of 20",
                    {flows.sent(), ejections(glbd), {}, "packets", "caused an ejection"});
}

TEST_CASE("passive health: target that drops the reserved endpoint id but returns traffic stays healthy") {
    need_root();
    const bool by_geneve = GENERATE(false, true);
    const TwoArm testbed({.appliances = 2});
    const UdpEcho echo(testbed.server, echo_port);
    for (const auto &one : testbed.appliances)
        drop_tunnel_packets(*one, "@th,160,32 0x676c6270"); // endpoint id "glbprobe"
    auto manifest = passive_manifest(testbed);
    if (by_geneve)
        manifest["targetGroups"][0]["healthCheck"]["protocol"] = "GENEVE";
    Daemon glbd(testbed.node);
    glbd.start(manifest);
    PacedFlows flows(testbed.client, TwoArm::server_address, echo_port, 20, 10ms);
    REQUIRE(glbd.wait_healthy(2));
    REQUIRE(eventually(5s, [&] { return flows.served() == 20; }));
    std::this_thread::sleep_for(4s);
    CHECK(glbd.counter("in_band") == 0);
    for (const auto &one : testbed.appliances)
        CHECK(state_of(glbd, *one) == "healthy");
    CHECK(ejections(glbd) == 0);
    record_scenario(by_geneve ? "reserved endpoint id dropped, checks by GENEVE"
                              : "reserved endpoint id dropped, checks by HTTP",
                    {flows.sent(), ejections(glbd), {}, "packets", "caused an ejection"});
}

TEST_CASE("health checks: GENEVE checks pass through the appliance") {
    need_root();
    const TwoArm testbed({.appliances = 2});
    auto manifest = testbed.manifest();
    manifest["targetGroups"][0]["healthCheck"]["protocol"] = "GENEVE";
    Daemon glbd(testbed.node);
    glbd.start(manifest);
    REQUIRE(glbd.wait_healthy(2));
    drop_tunnel_packets(*testbed.appliances[0]);
    CHECK(
        eventually(5s, [&] { return state_of(glbd, *testbed.appliances[0]) == "unhealthy Target.Timeout"; }));
    CHECK(state_of(glbd, *testbed.appliances[1]) == "healthy");
    stop_dropping(*testbed.appliances[0]);
    CHECK(eventually(5s, [&] { return state_of(glbd, *testbed.appliances[0]) == "healthy"; }));
}
