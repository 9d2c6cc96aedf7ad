// The flow table is resized by apply under traffic.
#include <catch2/catch.hpp>

#include "tests/harness/skip.h"
#include "tests/netns/testbed/scenario.h"
#include "tests/netns/upgrade/load.h"

using namespace glb::test;
using namespace std::chrono_literals;

namespace {

struct Outcome {
    LoadTally tally;
    std::uint64_t kernel_drops = 0; ///< frames that the kernel dropped after the redirect
};

/// Three sizes and a takeover under load. Checks everything but the number of lost packets.
Outcome resize_under_load() {
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
    const Outcome outcome{load.finish(), glbd.drop("redirect_failed")};
    CHECK(load.download.intact());
    CHECK(glbd.uninspected() == 0);
    CHECK(glbd.ctl({"down", "--yes"}).code == 0);
    CHECK(glbd.pins().empty());
    return outcome;
}

} // namespace

TEST_CASE("resize: flow table grows and shrinks by apply without packet loss") {
    need_root();
    auto outcome = resize_under_load();
    // Now and then the kernel drops a frame after the redirect, for example if the machine stalls for 25 ms and the queue
    // of a veth (256 frames) overflows. A loss that is not counted as such is none of these.
    for (int again = 0; again < 2 && outcome.tally.lost > 0 && outcome.kernel_drops > 0; ++again) {
        WARN(outcome.tally.lost << " packets lost beside " << outcome.kernel_drops
                                << " frames that the kernel dropped after the redirect: repeated");
        outcome = resize_under_load();
    }
    CAPTURE(outcome.kernel_drops);
    CHECK(outcome.tally.lost == 0);
    record_scenario("grown, shrunk and taken over after kill -9", {outcome.tally.sent, outcome.tally.lost});
}
