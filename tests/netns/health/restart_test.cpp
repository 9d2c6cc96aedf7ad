// Appliances that become unresponsive while no daemon runs, or just before a daemon is killed.
#include <filesystem>

#include <catch2/catch.hpp>

#include "tests/harness/skip.h"
#include "tests/netns/health/paced_flows.h"
#include "tests/netns/health/unresponsive.h"
#include "tests/netns/testbed/echo.h"
#include "tests/netns/testbed/scenario.h"

using namespace glb::test;
using namespace std::chrono_literals;

namespace {

/// Two appliances that have answered in-band probes, as recorded in the state file, and 48 flows through
/// them.
struct Fixture {
    TwoArm testbed{{.appliances = 2}};
    UdpEcho echo{testbed.server, echo_port};
    Daemon glbd{testbed.node};
    std::unique_ptr<PacedFlows> flows;
    std::size_t busier = 0; ///< index of the appliance that becomes unresponsive ///< index of the appliance
                            ///< that becomes unresponsive

    Fixture() {
        glbd.start(passive_manifest(testbed));
        REQUIRE(glbd.wait_healthy(2));
        REQUIRE(ping(testbed.client, TwoArm::server_address, 1));
        flows = std::make_unique<PacedFlows>(testbed.client, TwoArm::server_address, echo_port, 48, 10ms);
        REQUIRE(all_served());
        REQUIRE(eventually(5s, [&] { return glbd.counter("in_band") >= 4; }));
        std::this_thread::sleep_for(1500ms); // one tick, on which the state file is written
        busier = busier_of(testbed, glbd);
    }
    [[nodiscard]] const Appliance &unresponsive() const { return *testbed.appliances[busier]; }
    [[nodiscard]] const Appliance &other() const { return *testbed.appliances[1 - busier]; }
    [[nodiscard]] bool all_served() const {
        return eventually(10s, [&] { return flows->served() == 48; });
    }
};

} // namespace

TEST_CASE("restart: target that became unresponsive while no daemon ran is ejected after the next start") {
    need_root();
    Fixture fixture;
    fixture.glbd.kill9();
    drop_tunnel_packets(fixture.unresponsive());
    // By then every flow of the target is already marked outstanding in the flow table: the new daemon sees
    // no transition, only the existing marks.
    std::this_thread::sleep_for(1s);
    const auto started = std::chrono::steady_clock::now();
    fixture.glbd.start();
    CHECK(fixture.all_served());
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - started;
    INFO(fixture.glbd.log());
    // The API shows a change up to 20 ms after the maps.
    CHECK(eventually(1s, [&] { return state_of(fixture.glbd, fixture.unresponsive()) == state_ejected; }));
    CHECK(state_of(fixture.glbd, fixture.other()) == "healthy");
    CHECK(ejections(fixture.glbd) == 1);
    (void)fixture.flows->finish();
    record_scenario("unresponsive while no daemon runs, measured from the daemon's start",
                    {fixture.flows->sent(), fixture.flows->lost(), took.count()});
}

TEST_CASE("restart: flows without replies eject no target after a daemon restart") {
    need_root();
    Fixture fixture;
    const UdpEcho blocked_echo(fixture.testbed.server, 7001);
    PacedFlows blocked(fixture.testbed.client, TwoArm::server_address, 7001, 20, 10ms);
    REQUIRE(eventually(5s, [&] { return blocked.served() == 20; }));
    for (const auto &one : fixture.testbed.appliances)
        drop_tunnel_packets(*one, "@th,560,16 7001");
    REQUIRE(eventually(5s, [&] { return blocked.served() == 0; }));
    fixture.glbd.kill9();
    fixture.glbd.start();
    std::this_thread::sleep_for(3s);
    for (const auto &one : fixture.testbed.appliances)
        CHECK(state_of(fixture.glbd, *one) == "healthy");
    CHECK(fixture.all_served());
    CHECK(ejections(fixture.glbd) == 0);
}

TEST_CASE("restart: target that was ejected just before the daemon was killed stays ejected") {
    need_root();
    namespace fs = std::filesystem;
    Fixture fixture;
    const auto state = fixture.glbd.folder() / "state", before = fixture.glbd.folder() / "before";
    fs::copy(state, before, fs::copy_options::recursive);
    drop_tunnel_packets(fixture.unresponsive());
    REQUIRE(eventually(5s, [&] { return state_of(fixture.glbd, fixture.unresponsive()) == state_ejected; }));
    fixture.glbd.kill9();
    fs::copy(before, state,
             fs::copy_options::recursive | fs::copy_options::overwrite_existing); // as if not yet written
    fixture.glbd.start();
    CHECK(state_of(fixture.glbd, fixture.unresponsive()) == state_ejected);
    CHECK(fixture.all_served());
    std::this_thread::sleep_for(2s); // several successful checks of its port
    CHECK(state_of(fixture.glbd, fixture.unresponsive()) == state_ejected);
    CHECK(state_of(fixture.glbd, fixture.other()) == "healthy");
    stop_dropping(fixture.unresponsive());
    CHECK(eventually(20s, [&] { return state_of(fixture.glbd, fixture.unresponsive()) == "healthy"; }));
}
