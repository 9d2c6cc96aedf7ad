// The flow table is resized by apply under traffic.
#include <catch2/catch.hpp>

#include "tests/harness/skip.h"
#include "tests/netns/testbed/scenario.h"
#include "tests/netns/upgrade/load.h"

using namespace glb::test;
using namespace std::chrono_literals;

TEST_CASE("resize: flow table grows and shrinks by apply without packet loss") {
    need_root();
    const TwoArm testbed({.appliances = 3});
    Daemon glbd(testbed.node);
    auto manifest = testbed.manifest();
    glbd.start(manifest);
    REQUIRE(glbd.wait_healthy(3));
    Load load(testbed);
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
    glbd.start(); // takes over the map set of the last change
    CHECK(targets_of(glbd.flows({"--protocol", "tcp"})) == targets);
    const auto tally = load.finish();
    CHECK(tally.lost == 0);
    CHECK(load.download.intact());
    record_scenario("grown, shrunk and taken over after kill -9", {tally.sent, tally.lost});
    CHECK(glbd.uninspected() == 0);
    CHECK(glbd.ctl({"down", "--yes"}).code == 0);
    CHECK(glbd.pins().empty());
}
