// bypass: packets of an endpoint are forwarded uninspected, by operator override or by onAllUnhealthy.
#include <catch2/catch.hpp>

#include "tests/harness/skip.h"
#include "tests/netns/testbed/testbeds.h"

using namespace glb::test;
using namespace std::chrono_literals;

namespace {

/// True if a ping passes through an appliance.
bool is_inspected(const TwoArm &testbed, const Daemon &glbd) {
    const auto before = glbd.counter("encapsulated");
    REQUIRE(ping(testbed.client, TwoArm::server_address, 2));
    return glbd.counter("encapsulated") > before;
}

std::size_t occurrences(const std::string &text, const std::string &part) {
    std::size_t times = 0;
    for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
        ++times;
    return times;
}

} // namespace

TEST_CASE("bypass: operator override is logged, shown, and survives restart and apply until --off") {
    need_root();
    const TwoArm testbed;
    Daemon glbd(testbed.node);
    glbd.start(testbed.manifest());
    REQUIRE(glbd.wait_healthy(1));
    REQUIRE(is_inspected(testbed, glbd));
    REQUIRE(glbd.must_ctl({"status"}).at("bypassed") == json::array());

    glbd.must_ctl({"bypass", "branch"});
    CHECK_FALSE(is_inspected(testbed, glbd));
    CHECK(glbd.counter("bypassed") >= 4);
    CHECK(glbd.must_ctl({"status"}).at("bypassed") == json::array({"branch"}));
    CHECK(glbd.must_ctl({"endpoints"}).at("endpoints")[0].at("bypassed") == true);
    CHECK(glbd.log().find("branch: BYPASSED") != std::string::npos);
    CHECK(glbd.log().find("uid 0, pid ") != std::string::npos);
    glbd.kill9();
    glbd.start(testbed.manifest());
    CHECK_FALSE(is_inspected(testbed, glbd));
    auto manifest = testbed.manifest();
    manifest["targetGroups"][0]["stickiness"] = "2-tuple";
    REQUIRE(glbd.apply(manifest).code == 0);
    CHECK_FALSE(is_inspected(testbed, glbd));

    glbd.must_ctl({"bypass", "branch", "--off"});
    CHECK(is_inspected(testbed, glbd));
    CHECK(glbd.must_ctl({"status"}).at("bypassed") == json::array());
    CHECK(glbd.ctl({"bypass", "missing"}).code == 1);
}

TEST_CASE("bypass: --for expires while no daemon runs") {
    need_root();
    const TwoArm testbed;
    Daemon glbd(testbed.node);
    glbd.start(testbed.manifest());
    REQUIRE(glbd.wait_healthy(1));
    glbd.must_ctl({"bypass", "branch", "--for", "3s"});
    REQUIRE_FALSE(is_inspected(testbed, glbd));
    const auto sent = glbd.target(testbed.manifest()["targetGroups"][0]["targets"][0]["id"]).at("packetsOut");
    glbd.kill9();
    std::this_thread::sleep_for(3500ms); // the time itself is tested
    REQUIRE(ping(testbed.client, TwoArm::server_address, 2));
    glbd.start(testbed.manifest());
    CHECK(glbd.target(testbed.manifest()["targetGroups"][0]["targets"][0]["id"]).at("packetsOut") > sent);
    CHECK(glbd.must_ctl({"status"}).at("bypassed") == json::array());
}

TEST_CASE("bypass: onAllUnhealthy applies only while no target of the group is healthy") {
    need_root();
    const TwoArm testbed;
    Daemon glbd(testbed.node);
    auto manifest = testbed.manifest();
    manifest["targetGroups"][0]["onAllUnhealthy"] = "bypass";
    glbd.start(manifest);
    REQUIRE(glbd.wait_healthy(1));
    REQUIRE(is_inspected(testbed, glbd));
    testbed.appliances[0]->disconnect();
    REQUIRE(
        eventually(10s, [&] { return glbd.must_ctl({"status"}).at("bypassed") == json::array({"branch"}); }));
    const auto before = glbd.counter("bypassed");
    CHECK(ping(testbed.client, TwoArm::server_address));
    CHECK(glbd.counter("bypassed") > before);
    CHECK(glbd.uninspected() == 0); // counts only what the guard drops
    glbd.must_ctl({"bypass", "branch"});
    const auto off = glbd.must_ctl({"bypass", "branch", "--off"});
    CHECK(off.at("bypassed") == true); // the actual state: the group's policy still bypasses
    CHECK(off.at("why") == "onAllUnhealthy");
    CHECK(glbd.must_ctl({"endpoints"}).at("endpoints")[0].at("bypassReason") == "onAllUnhealthy");
    const std::string begin_line =
        "group firewalls: no healthy target: endpoint branch BYPASSED, forwarded uninspected";
    CHECK(occurrences(glbd.log(), begin_line) == 1);
    testbed.appliances[0]->reconnect();
    REQUIRE(eventually(20s, [&] { return glbd.must_ctl({"status"}).at("bypassed") == json::array(); }));
    CHECK(occurrences(glbd.log(), begin_line) == 1);
    CHECK(occurrences(glbd.log(),
                      "group firewalls: a target is healthy: endpoint branch no longer bypassed") == 1);
    CHECK(is_inspected(testbed, glbd));
}
