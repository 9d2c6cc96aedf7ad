// Appliances whose port stays green while nothing comes out of them any more.
#include <cstdlib>
#include <iostream>

#include <catch2/catch.hpp>

#include "tests/harness/skip.h"
#include "tests/netns/health/paced_flows.h"
#include "tests/netns/health/unresponsive.h"
#include "tests/netns/testbed/drill.h"
#include "tests/netns/testbed/echo.h"

using namespace glb::test;
using namespace std::chrono_literals;

namespace {

constexpr std::uint16_t kPort = 7000;

// GLB_DRILL_RUNS: how often the timed drill is repeated, each time in a new world.
int runs() {
    const char *wished = std::getenv("GLB_DRILL_RUNS");
    return wished ? std::atoi(wished) : 1;
}

} // namespace

TEST_CASE("silent: an appliance with a green port loses its flows to the others, and comes back in-band") {
    need_root();
    std::chrono::microseconds worst{};
    std::uint64_t sent = 0, lost = 0;
    for (int run = 1; run <= runs(); ++run) {
        const TwoArm world({.appliances = 2});
        const UdpEcho echo(world.server, kPort);
        Daemon glbd(world.node);
        glbd.start(passive_manifest(world));
        REQUIRE(glbd.wait_healthy(2));
        REQUIRE(ping(world.client, TwoArm::server_address, 1));
        PacedFlows flows(world.client, TwoArm::server_address, kPort, 48, 10ms);
        const bool served = eventually(5s, [&] { return flows.served() == 48; });
        INFO(flows.served() << " served\n" << unreturned(glbd));
        REQUIRE(served);
        REQUIRE(eventually(5s, [&] { return glbd.counter("in_band") >= 2; }));
        const auto fuller = fuller_of(world, glbd);
        const auto &silent = *world.appliances[fuller];
        REQUIRE(glbd.target(silent.id()).at("activeFlows") >= 16);

        flows.watch();
        fall_silent(silent);
        CHECK(eventually(2s, [&] { return state_of(glbd, silent) == state_out; }));
        CHECK(eventually(2s, [&] { return flows.served() == 48; }));
        const auto gap = flows.finish();
        worst = std::max(worst, gap);
        sent += flows.sent();
        lost += flows.sent() - flows.answered();
        const auto log = glbd.log();
        for (std::size_t at = 0; (at = log.find("flows fell silent", at)) != log.npos; ++at)
            std::cout << log.substr(at - 40, 130) << std::endl;
        std::cout << "silent, run " << run << ": the worst flow was unserved for " << gap.count() << " us"
                  << std::endl;
        INFO(glbd.log());
        CHECK(gap < 1s); // the machine may be busy; the figure is what counts
        CHECK(state_of(glbd, *world.appliances[1 - fuller]) == "healthy");

        // Its port is green all the while.
        std::this_thread::sleep_for(3s);
        CHECK(state_of(glbd, silent) == state_out);
        speak_again(silent);
        CHECK(eventually(10s, [&] { return state_of(glbd, silent) == "healthy"; }));
    }
    tell_drill("until all flows are served by another",
               {sent, lost, static_cast<double>(worst.count()) / 1000});
}

TEST_CASE("silent: a target that is dead from its first packet is out, and no green port brings it back") {
    need_root();
    const auto kind = GENERATE(ApplianceKind::hairpin, ApplianceKind::reference);
    const TwoArm world({.appliances = 3, .kind = kind});
    const UdpEcho echo(world.server, kPort);
    const auto &dead = *world.appliances[2];
    if (kind == ApplianceKind::hairpin)
        fall_silent(dead);
    else // its inner side is filtered
        dead.ns().must(
            {"nft", "table inet filter { chain f { type filter hook forward priority 0; policy drop; }; }"});
    Daemon glbd(world.node);
    glbd.start(passive_manifest(world));
    REQUIRE(glbd.wait_healthy(3));

    const auto began = std::chrono::steady_clock::now();
    std::vector<std::unique_ptr<PacedFlows>> flows; // 200 new ones within 4 s
    for (int i = 0; i < 20; ++i) {
        flows.push_back(std::make_unique<PacedFlows>(world.client, TwoArm::server_address, kPort, 10, 100ms));
        std::this_thread::sleep_for(200ms);
    }
    CHECK(eventually(10s, [&] { return state_of(glbd, dead) == state_out; }));
    const auto took = std::chrono::steady_clock::now() - began;
    INFO(glbd.log());
    std::cout << "dead from its first packet: out "
              << std::chrono::duration_cast<std::chrono::milliseconds>(took).count()
              << " ms after the first flow" << std::endl;
    CHECK(took < 14s);
    tell_drill("out, after the first of 200 flows",
               {200, 0,
                static_cast<double>(std::chrono::duration_cast<std::chrono::milliseconds>(took).count()),
                "flows"});
    for (int i = 0; i < 2; ++i)
        CHECK(state_of(glbd, *world.appliances[i]) == "healthy");
    std::this_thread::sleep_for(5s);
    CHECK(state_of(glbd, dead) == state_out);
}

TEST_CASE("silent: one blocked flow among 20 fails nobody") {
    need_root();
    const TwoArm world({.appliances = 2});
    const UdpEcho echo(world.server, kPort), blocked_echo(world.server, 7001);
    Daemon glbd(world.node);
    glbd.start(passive_manifest(world));
    REQUIRE(glbd.wait_healthy(2));
    PacedFlows flows(world.client, TwoArm::server_address, kPort, 19, 10ms);
    PacedFlows blocked(world.client, TwoArm::server_address, 7001, 1, 10ms);
    REQUIRE(eventually(5s, [&] { return flows.served() == 19 && blocked.served() == 1; }));
    for (const auto &one : world.appliances)
        fall_silent(*one, "@th,560,16 7001");
    REQUIRE(eventually(2s, [&] { return blocked.served() == 0; }));
    std::this_thread::sleep_for(3s);
    CHECK(flows.served() == 19);
    for (const auto &one : world.appliances)
        CHECK(state_of(glbd, *one) == "healthy");
    tell_drill("one blocked flow of 20", {flows.sent(), alarms(glbd), {}, "packets", "made an alarm"});
}

TEST_CASE("silent: an appliance that drops the reserved endpoint but returns traffic stays, and checks by "
          "GENEVE too") {
    need_root();
    const bool by_geneve = GENERATE(false, true);
    const TwoArm world({.appliances = 2});
    const UdpEcho echo(world.server, kPort);
    for (const auto &one : world.appliances)
        fall_silent(*one, "@th,160,32 0x676c6270"); // endpoint id "glbprobe"
    auto manifest = passive_manifest(world);
    if (by_geneve)
        manifest["targetGroups"][0]["healthCheck"]["protocol"] = "GENEVE";
    Daemon glbd(world.node);
    glbd.start(manifest);
    PacedFlows flows(world.client, TwoArm::server_address, kPort, 20, 10ms);
    REQUIRE(glbd.wait_healthy(2));
    REQUIRE(eventually(5s, [&] { return flows.served() == 20; }));
    std::this_thread::sleep_for(4s);
    CHECK(glbd.counter("in_band") == 0);
    for (const auto &one : world.appliances)
        CHECK(state_of(glbd, *one) == "healthy");
    tell_drill("the reserved endpoint dropped", {flows.sent(), alarms(glbd), {}, "packets", "made an alarm"});
}

TEST_CASE("silent: checks by GENEVE go through the appliance and back") {
    need_root();
    const TwoArm world({.appliances = 2});
    auto manifest = world.manifest();
    manifest["targetGroups"][0]["healthCheck"]["protocol"] = "GENEVE";
    Daemon glbd(world.node);
    glbd.start(manifest);
    REQUIRE(glbd.wait_healthy(2));
    fall_silent(*world.appliances[0]);
    CHECK(eventually(5s, [&] { return state_of(glbd, *world.appliances[0]) == "unhealthy Target.Timeout"; }));
    CHECK(state_of(glbd, *world.appliances[1]) == "healthy");
    speak_again(*world.appliances[0]);
    CHECK(eventually(5s, [&] { return state_of(glbd, *world.appliances[0]) == "healthy"; }));
}
