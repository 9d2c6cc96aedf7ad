// Appliances that fall silent while nobody looks, or just before a daemon dies.
#include <filesystem>

#include <catch2/catch.hpp>

#include "tests/harness/skip.h"
#include "tests/netns/health/paced_flows.h"
#include "tests/netns/health/unresponsive.h"
#include "tests/netns/testbed/drill.h"
#include "tests/netns/testbed/echo.h"

using namespace glb::test;
using namespace std::chrono_literals;

namespace {

constexpr std::uint16_t echo_port = 7000;

/// Two appliances that have answered in-band, as the state file knows, and 48 flows through them.
struct Watched {
    TwoArm world{{.appliances = 2}};
    UdpEcho echo{world.server, echo_port};
    Daemon glbd{world.node};
    std::unique_ptr<PacedFlows> flows;
    std::size_t fuller = 0;

    Watched() {
        glbd.start(passive_manifest(world));
        REQUIRE(glbd.wait_healthy(2));
        REQUIRE(ping(world.client, TwoArm::server_address, 1));
        flows = std::make_unique<PacedFlows>(world.client, TwoArm::server_address, echo_port, 48, 10ms);
        REQUIRE(all_served());
        REQUIRE(eventually(5s, [&] { return glbd.counter("in_band") >= 4; }));
        std::this_thread::sleep_for(1500ms); // a tick, at which it is written
        fuller = fuller_of(world, glbd);
    }
    [[nodiscard]] const Appliance &silent() const { return *world.appliances[fuller]; }
    [[nodiscard]] const Appliance &other() const { return *world.appliances[1 - fuller]; }
    [[nodiscard]] bool all_served() const {
        return eventually(10s, [&] { return flows->served() == 48; });
    }
};

} // namespace

TEST_CASE(
    "silent: an appliance that falls silent while no glbd runs loses its flows soon after the next start") {
    need_root();
    Watched it;
    it.glbd.kill9();
    fall_silent(it.silent());
    std::this_thread::sleep_for(1s); // each of its flows has fallen silent by now, and will not do so again
    const auto started = std::chrono::steady_clock::now();
    it.glbd.start();
    CHECK(it.all_served());
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - started;
    INFO(it.glbd.log());
    CHECK(state_of(it.glbd, it.silent()) == state_out);
    CHECK(state_of(it.glbd, it.other()) == "healthy");
    CHECK(alarms(it.glbd) == 1);
    tell_drill("silent while no glbd runs: until all flows are served, from its start on",
               {it.flows->sent(), it.flows->sent() - it.flows->answered(), took.count()});
}

TEST_CASE("silent: a restart beside flows that nobody answers blames nobody") {
    need_root();
    Watched it;
    const UdpEcho blocked_echo(it.world.server, 7001);
    PacedFlows blocked(it.world.client, TwoArm::server_address, 7001, 20, 10ms);
    REQUIRE(eventually(5s, [&] { return blocked.served() == 20; }));
    for (const auto &one : it.world.appliances)
        fall_silent(*one, "@th,560,16 7001");
    REQUIRE(eventually(5s, [&] { return blocked.served() == 0; }));
    it.glbd.kill9();
    it.glbd.start();
    std::this_thread::sleep_for(3s);
    for (const auto &one : it.world.appliances)
        CHECK(state_of(it.glbd, *one) == "healthy");
    CHECK(it.all_served());
    CHECK(alarms(it.glbd) == 0);
}

TEST_CASE("silent: who was taken out just before glbd was killed stays out") {
    need_root();
    namespace fs = std::filesystem;
    Watched it;
    const auto state = it.glbd.folder() / "state", before = it.glbd.folder() / "before";
    fs::copy(state, before, fs::copy_options::recursive);
    fall_silent(it.silent());
    REQUIRE(eventually(5s, [&] { return state_of(it.glbd, it.silent()) == state_out; }));
    it.glbd.kill9();
    fs::copy(before, state,
             fs::copy_options::recursive | fs::copy_options::overwrite_existing); // not written yet
    it.glbd.start();
    CHECK(state_of(it.glbd, it.silent()) == state_out);
    CHECK(it.all_served());
    std::this_thread::sleep_for(2s); // its port is green
    CHECK(state_of(it.glbd, it.silent()) == state_out);
    CHECK(state_of(it.glbd, it.other()) == "healthy");
    speak_again(it.silent());
    CHECK(eventually(20s, [&] { return state_of(it.glbd, it.silent()) == "healthy"; }));
}
