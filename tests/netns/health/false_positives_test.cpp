// Silence that must fail nobody: what firewalls, pauses, quiet nights and whole outages look like.
#include <catch2/catch.hpp>

#include "tests/harness/skip.h"
#include "tests/netns/health/paced_flows.h"
#include "tests/netns/health/unresponsive.h"
#include "tests/netns/testbed/drill.h"
#include "tests/netns/testbed/echo.h"

using namespace glb::test;
using namespace std::chrono_literals;

namespace {

constexpr std::uint16_t kPort = 7000, kOtherPort = 7001;

/// Two appliances, passive on, and an echo server at two ports.
struct Stage {
    explicit Stage(ApplianceKind kind = ApplianceKind::hairpin)
        : world({.appliances = 2, .kind = kind}), echo(world.server, kPort), other(world.server, kOtherPort),
          glbd(world.node) {
        glbd.start(passive_manifest(world));
        if (!glbd.wait_healthy(2) || !ping(world.client, TwoArm::server_address, 1))
            throw std::runtime_error("not served:\n" + glbd.log());
    }

    PacedFlows flows(std::size_t count, std::chrono::milliseconds pause, std::uint16_t port = kPort) const {
        return {world.client, TwoArm::server_address, port, count, pause};
    }

    /// But for `earned` alarms, which were none too many.
    void check_nobody_failed(std::size_t earned = 0) const {
        INFO(glbd.log());
        CHECK(alarms(glbd) == earned);
        for (const auto &one : world.appliances)
            CHECK(eventually(10s,
                             [&] { return state_of(glbd, *one) == "healthy"; })); // active checks may be late
    }

    TwoArm world;
    UdpEcho echo, other;
    Daemon glbd;
};

/// Holds `appliance` for 30 ms, or as much longer as the machine's other work made it.
std::chrono::nanoseconds hold_up(Appliance &appliance) {
    const auto began = std::chrono::steady_clock::now();
    appliance.hold();
    std::this_thread::sleep_for(30ms);
    appliance.resume();
    return std::chrono::steady_clock::now() - began;
}

} // namespace

TEST_CASE("alarms: a firewall that drops 95 % of all flows stays") {
    need_root();
    const Stage stage;
    for (const auto &one : stage.world.appliances) // by the inner source port, so whole flows; answers pass
        fall_silent(*one, "@th,560,16 7000 jhash @th,544,16 mod 100 seed 0x1 < 95");
    std::vector<std::unique_ptr<PacedFlows>> flows; // new ones all the time, 300 in the end
    for (int i = 0; i < 15; ++i) {
        flows.push_back(
            std::make_unique<PacedFlows>(stage.world.client, TwoArm::server_address, kPort, 20, 50ms));
        std::this_thread::sleep_for(400ms);
    }
    std::uint64_t sent = 0, served = 0;
    for (const auto &some : flows) {
        sent += some->sent();
        served += some->answered() > 0;
    }
    CHECK(sent > 10'000);
    CHECK(served > 0); // it is a firewall, and not dead
    std::uint64_t active = stage.glbd.must_ctl({"status"}).at("flows").at("unconfirmed");
    CHECK(active > 200);
    stage.check_nobody_failed();
    tell_drill("95 % dropped", {sent, alarms(stage.glbd), {}, "packets", "made an alarm"});
}

TEST_CASE("alarms: an appliance that is held up for 30 ms, 50 times, stays") {
    need_root();
    const Stage stage(ApplianceKind::reference);
    auto flows = stage.flows(48, 10ms);
    REQUIRE(eventually(10s, [&] { return flows.served() == 48; }));
    auto &held = *stage.world.appliances[fuller_of(stage.world, stage.glbd)];
    REQUIRE(stage.glbd.target(held.id()).at("activeFlows") >= 16);
    int times = 0;
    std::size_t earned = 0;
    for (int tries = 0; times < 50 && tries < 1000; ++tries) {
        const auto before = alarms(stage.glbd);
        const auto took = hold_up(held);
        std::this_thread::sleep_for(100ms);
        if (took < 40ms) { // what health waits before it suspects anybody
            ++times;
        } else {
            (void)eventually(20s, [&] { return flows.served() == 48; });
            earned += alarms(stage.glbd) - before;
        }
    }
    CHECK(times == 50);
    const bool served = eventually(10s, [&] { return flows.served() == 48; });
    INFO(flows.unserved() << unreturned(stage.glbd) << (served ? "" : stage.glbd.flows().dump()));
    CHECK(served);
    stage.check_nobody_failed(earned);
    tell_drill("held up for 30 ms", {50, alarms(stage.glbd) - earned, {}, "times", "an alarm"});
}

TEST_CASE("alarms: a quiet night, with single packets and scans, fails nobody, nor does the morning") {
    need_root();
    const Stage stage;
    for (const auto &one : stage.world.appliances) // scans of another port get no answer
        fall_silent(*one, "@th,560,16 7001");
    {
        const auto day = stage.flows(40, 10ms);
        REQUIRE(eventually(10s, [&] { return day.served() == 40; }));
    }
    for (int hour = 0; hour < 8;
         ++hour) { // compressed: what counts is that nearly nothing is there to be compared
        const auto lonely = stage.flows(1, 500ms);
        const auto scan = stage.flows(3, 400ms, kOtherPort);
        std::this_thread::sleep_for(1500ms);
        CHECK(eventually(10s, [&] { return lonely.answered() > 0; }));
    }
    auto morning = stage.flows(60, 10ms);
    CHECK(eventually(10s, [&] { return morning.served() == 60; }));
    std::this_thread::sleep_for(1s);
    stage.check_nobody_failed();
    tell_drill("a night and its morning", {8, alarms(stage.glbd), {}, "hours", "with an alarm"});
}

TEST_CASE("alarms: appliances that swallow the first 800 ms of a new endpoint stay") {
    need_root();
    const Stage stage;
    const bool all = GENERATE(true, false);
    // The endpoint's id has bytes of its own behind the in-band one's, which passes.
    const auto swallow = [&](const Appliance &one) { fall_silent(one, "@th,160,32 != 0x676c6270"); };
    swallow(*stage.world.appliances[0]);
    if (all)
        swallow(*stage.world.appliances[1]);
    auto flows = stage.flows(40, 20ms);
    std::this_thread::sleep_for(800ms);
    speak_again(*stage.world.appliances[0]);
    if (all)
        speak_again(*stage.world.appliances[1]);
    CHECK(eventually(10s, [&] { return flows.served() == 40; }));
    std::this_thread::sleep_for(1s);
    stage.check_nobody_failed();
    tell_drill(all ? "800 ms swallowed by all" : "800 ms swallowed by one",
               {40, alarms(stage.glbd), {}, "flows", "an alarm"});
}

TEST_CASE("alarms: a server that dies is no appliance that does") {
    need_root();
    const Stage stage;
    auto flows = stage.flows(40, 10ms);
    REQUIRE(eventually(10s, [&] { return flows.served() == 40; }));
    stage.world.server.must({"nft", "table ip dead { chain c { type filter hook prerouting priority raw; "
                                    "udp dport 7000 drop; }; }"});
    REQUIRE(eventually(10s, [&] { return flows.served() == 0; }));
    std::this_thread::sleep_for(2s);
    stage.check_nobody_failed();
    tell_drill("a dead server", {40, alarms(stage.glbd), {}, "flows", "an alarm"});
}

TEST_CASE(
    "alarms: where all appliances are cut off together, they are back with the first packet that can be") {
    need_root();
    const Stage stage;
    auto flows = stage.flows(48, 10ms);
    REQUIRE(eventually(10s, [&] { return flows.served() == 48 && stage.glbd.counter("in_band") >= 2; }));
    for (const auto &one : stage.world.appliances)
        fall_silent(*one);
    std::this_thread::sleep_for(1s);
    flows.watch();
    for (const auto &one : stage.world.appliances)
        speak_again(*one);
    // In force for all is `spread`, so that nobody's flows wait for a verdict; and a verdict ends with the
    // outage.
    CHECK(eventually(3s, [&] { return flows.served() == 48; }));
    for (const auto &one : stage.world.appliances)
        CHECK(eventually(3s, [&] { return state_of(stage.glbd, *one) == "healthy"; }));
    const auto gap = flows.finish();
    tell_drill("all cut for a second",
               {flows.sent(), flows.sent() - flows.answered(), static_cast<double>(gap.count()) / 1000});
}
