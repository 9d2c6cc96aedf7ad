// bypass: an endpoint's packets pass uninspected by order, and only so long.
#include <catch2/catch.hpp>

#include "tests/harness/skip.h"
#include "tests/netns/testbed/testbeds.h"

using namespace glb::test;
using namespace std::chrono_literals;

namespace {

/// Whether a ping passes an appliance.
bool is_inspected(const TwoArm &world, const Daemon &glbd) {
    const auto before = glbd.counter("encapsulated");
    REQUIRE(ping(world.client, TwoArm::server_address, 2));
    return glbd.counter("encapsulated") > before;
}

std::size_t times_in(const std::string &text, const std::string &part) {
    std::size_t times = 0;
    for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
        ++times;
    return times;
}

} // namespace

TEST_CASE("bypass: by order packets pass uninspected, loudly, through a restart, until --off") {
    need_root();
    const TwoArm world;
    Daemon glbd(world.node);
    glbd.start(world.manifest());
    REQUIRE(glbd.wait_healthy(1));
    REQUIRE(is_inspected(world, glbd));
    REQUIRE(glbd.must_ctl({"status"}).at("bypassed") == json::array());

    glbd.must_ctl({"bypass", "branch"});
    CHECK_FALSE(is_inspected(world, glbd));
    CHECK(glbd.counter("bypassed") >= 4);
    CHECK(glbd.must_ctl({"status"}).at("bypassed") == json::array({"branch"}));
    CHECK(glbd.must_ctl({"endpoints"}).at("endpoints")[0].at("bypassed") == true);
    CHECK(glbd.log().find("branch: BYPASSED") != std::string::npos);
    CHECK(glbd.log().find("uid 0, pid ") != std::string::npos);
    glbd.kill9();
    glbd.start(world.manifest());
    CHECK_FALSE(is_inspected(world, glbd));
    auto manifest = world.manifest();
    manifest["targetGroups"][0]["stickiness"] = "2-tuple";
    REQUIRE(glbd.apply(manifest).code == 0);
    CHECK_FALSE(is_inspected(world, glbd));

    glbd.must_ctl({"bypass", "branch", "--off"});
    CHECK(is_inspected(world, glbd));
    CHECK(glbd.must_ctl({"status"}).at("bypassed") == json::array());
    CHECK(glbd.ctl({"bypass", "nobody"}).code == 1);
}

TEST_CASE("bypass: its time ends without the daemon, too") {
    need_root();
    const TwoArm world;
    Daemon glbd(world.node);
    glbd.start(world.manifest());
    REQUIRE(glbd.wait_healthy(1));
    glbd.must_ctl({"bypass", "branch", "--for", "3s"});
    REQUIRE_FALSE(is_inspected(world, glbd));
    const auto sent = glbd.target(world.manifest()["targetGroups"][0]["targets"][0]["id"]).at("packetsOut");
    glbd.kill9();
    std::this_thread::sleep_for(3500ms); // what is waited for is the time itself
    REQUIRE(ping(world.client, TwoArm::server_address, 2));
    glbd.start(world.manifest());
    CHECK(glbd.target(world.manifest()["targetGroups"][0]["targets"][0]["id"]).at("packetsOut") > sent);
    CHECK(glbd.must_ctl({"status"}).at("bypassed") == json::array());
}

TEST_CASE("bypass: by onAllUnhealthy, while no target of the group lives, and not a moment longer") {
    need_root();
    const TwoArm world;
    Daemon glbd(world.node);
    auto manifest = world.manifest();
    manifest["targetGroups"][0]["onAllUnhealthy"] = "bypass";
    glbd.start(manifest);
    REQUIRE(glbd.wait_healthy(1));
    REQUIRE(is_inspected(world, glbd));
    world.appliances[0]->cut();
    REQUIRE(
        eventually(10s, [&] { return glbd.must_ctl({"status"}).at("bypassed") == json::array({"branch"}); }));
    const auto before = glbd.counter("bypassed");
    CHECK(ping(world.client, TwoArm::server_address));
    CHECK(glbd.counter("bypassed") > before);
    CHECK(glbd.uninspected() == 0); // the guard stops what goes by; this was chosen
    glbd.must_ctl({"bypass", "branch"});
    const auto off = glbd.must_ctl({"bypass", "branch", "--off"});
    CHECK(off.at("bypassed") == true); // as it is, not as the order would have it
    CHECK(off.at("why") == "onAllUnhealthy");
    CHECK(glbd.must_ctl({"endpoints"}).at("endpoints")[0].at("bypassReason") == "onAllUnhealthy");
    const std::string begun =
        "group firewalls: no healthy target: endpoint branch BYPASSED, forwarded uninspected";
    CHECK(times_in(glbd.log(), begun) == 1);
    world.appliances[0]->mend();
    REQUIRE(eventually(20s, [&] { return glbd.must_ctl({"status"}).at("bypassed") == json::array(); }));
    CHECK(times_in(glbd.log(), begun) == 1);
    CHECK(times_in(glbd.log(), "group firewalls: a target is healthy: endpoint branch no longer bypassed") ==
          1);
    CHECK(is_inspected(world, glbd));
}
