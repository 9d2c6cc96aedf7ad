// The flow table's size changed by apply under traffic.
#include <catch2/catch.hpp>

#include "tests/harness/skip.h"
#include "tests/netns/testbed/drill.h"
#include "tests/netns/upgrade/load.h"

using namespace glb::test;
using namespace std::chrono_literals;

TEST_CASE("resize: the flow table grows and shrinks by apply without a packet lost") {
    need_root();
    const TwoArm world({.appliances = 3});
    Daemon glbd(world.node);
    auto manifest = world.manifest();
    glbd.start(manifest);
    REQUIRE(glbd.wait_healthy(3));
    Load load(world);
    load.begin();
    const auto targets = targets_of(glbd.flows({"--protocol", "tcp"}));
    for (const unsigned capacity : {131072u, 16384u, 65536u}) {
        manifest["node"]["flowTable"]["capacity"] = capacity;
        const auto answer = glbd.apply(manifest);
        INFO(answer.text << glbd.log());
        REQUIRE(answer.code == 0);
        CHECK(eventually(20s,
                         [&] { return glbd.must_ctl({"status"}).at("flows").at("capacity") == capacity; }));
        CHECK(targets_of(glbd.flows({"--protocol", "tcp"})) == targets);
        load.wait_for(10000);
    }
    CHECK(load.flows.exchange() == Load::tcp_flows);
    glbd.kill9();
    glbd.start(); // takes the set over that the last change made
    CHECK(targets_of(glbd.flows({"--protocol", "tcp"})) == targets);
    const auto tally = load.finish();
    CHECK(tally.lost == 0);
    CHECK(load.download.intact());
    tell_drill("grown, shrunk, and taken over", {tally.sent, tally.lost});
    CHECK(glbd.uninspected() == 0);
    CHECK(glbd.ctl({"down", "--yes"}).code == 0);
    CHECK(glbd.pins().empty());
}
