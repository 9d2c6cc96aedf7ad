// 10,000 packets a second through the controller's death, end and return: none is lost.
#include <catch2/catch.hpp>

#include "tests/harness/skip.h"
#include "tests/netns/testbed/backlog.h"
#include "tests/netns/testbed/drill.h"
#include "tests/netns/testbed/testbeds.h"

using namespace glb::test;
using namespace std::chrono_literals;

TEST_CASE("survive: kill -9, SIGTERM and restart at 10,000 packets a second lose none of 100,000") {
    need_root();
    const TwoArm world({.appliances = 3});
    const UdpEcho echo(world.server, 7001);
    Daemon glbd(world.node);
    glbd.start(world.manifest());
    REQUIRE(glbd.wait_healthy(3));
    const LongBacklog backlog;
    UdpStream stream(world.client, TwoArm::server_address, 7001, 10000);
    REQUIRE(eventually(10s, [&] { return stream.back() >= 1000; }));
    for (int round = 0; stream.sent() < 100000 || round < 6; round++) {
        round % 2 ? glbd.terminate() : glbd.kill9();
        const auto sent = stream.sent();
        REQUIRE(eventually(10s, [&] { return stream.sent() >= sent + 3000; }));
        glbd.start();
        REQUIRE(glbd.wait_healthy(3));
    }
    const auto tally = stream.finish();
    tell_drill("kill, SIGTERM, restart", {tally.sent, tally.lost()});
    INFO(glbd.log());
    CHECK(tally.sent >= 100000);
    CHECK(tally.lost() == 0);
    CHECK(tally.duplicate == 0);
}
