// 10,000 packets a second while the controller is killed, terminated and restarted. No packet is lost.
#include <catch2/catch.hpp>

#include "tests/harness/skip.h"
#include "tests/netns/testbed/backlog.h"
#include "tests/netns/testbed/scenario.h"
#include "tests/netns/testbed/testbeds.h"

using namespace glb::test;
using namespace std::chrono_literals;

TEST_CASE("restart: kill -9, SIGTERM and restart at 10,000 packets a second lose no packet") {
    need_root();
    const TwoArm testbed({.appliances = 3});
    const UdpEcho echo(testbed.server, 7001);
    Daemon glbd(testbed.node);
    glbd.start(testbed.manifest());
    REQUIRE(glbd.wait_healthy(3));
    const LongBacklog backlog;
    UdpStream stream(testbed.client, TwoArm::server_address, 7001, 10000);
    REQUIRE(eventually(10s, [&] { return stream.echoed() >= 1000; }));
    for (int round = 0; stream.sent() < 100000 || round < 6; round++) {
        round % 2 ? glbd.terminate() : glbd.kill9();
        const auto sent = stream.sent();
        REQUIRE(eventually(10s, [&] { return stream.sent() >= sent + 3000; }));
        glbd.start();
        REQUIRE(glbd.wait_healthy(3));
    }
    const auto tally = stream.finish();
    record_scenario("kill -9, SIGTERM, restart", {tally.sent, tally.lost()});
    INFO(glbd.log());
    CHECK(tally.sent >= 100000);
    CHECK(tally.lost() == 0);
    CHECK(tally.duplicate == 0);
}
