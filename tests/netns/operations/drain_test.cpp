// drain and undrain: a drained target receives no new flows and keeps its existing ones, also across
// restarts.
#include <algorithm>
#include <set>

#include <catch2/catch.hpp>

#include "tests/harness/skip.h"
#include "tests/netns/testbed/scenario.h"
#include "tests/netns/testbed/testbeds.h"

using namespace glb::test;
using namespace std::chrono_literals;

TEST_CASE(
    "drain: drained target receives no new flows and keeps its own across restart and apply until undrain") {
    need_root();
    const TwoArm testbed({.appliances = 2});
    const TcpServer echo(testbed.server, 7000);
    Daemon glbd(testbed.node);
    glbd.start(testbed.manifest());
    REQUIRE(glbd.wait_healthy(2));
    const auto id = testbed.manifest()["targetGroups"][0]["targets"][0]["id"].get<std::string>();
    const auto other = testbed.manifest()["targetGroups"][0]["targets"][1]["id"].get<std::string>();
    const auto name = "firewalls/" + id;
    TcpFlows old_flows(testbed.client);
    REQUIRE(old_flows.open(random_flows(60, 7000)) == 60);
    REQUIRE(old_flows.exchange() == 60);
    const auto sources = [&] {
        std::set<std::string> all;
        for (const auto &flow : glbd.flows({"--target", name}))
            all.insert(flow.at("source"));
        return all;
    };
    const auto owned = sources();
    REQUIRE(owned.size() > 5);

    const auto drained = glbd.must_ctl({"drain", name});
    CHECK(drained.at("drainedByOperator") == true);
    CHECK(drained.at("activeFlows").get<std::size_t>() >= owned.size());
    CHECK(glbd.target(id).at("state") == "draining");
    CHECK(glbd.target(id).at("drainedByOperator") == true);
    CHECK(glbd.ctl({"drain", "firewalls/" + other}).code == 1); // the last available target
    CHECK(glbd.target(other).at("state") == "healthy");
    CHECK(glbd.must_ctl({"diff", (glbd.folder() / "manifest.json").string()}).at("drainedByOperator") ==
          json::array({name}));

    glbd.kill9();
    glbd.start(testbed.manifest());
    CHECK(glbd.target(id).at("drainedByOperator") == true);
    auto manifest = testbed.manifest();
    manifest["targetGroups"][0]["targets"][1]["weight"] = 7;
    REQUIRE(glbd.apply(manifest).code == 0);
    CHECK(glbd.target(id).at("state") == "draining");
    const auto before = glbd.target(id).at("newFlows");
    TcpFlows new_flows(testbed.client);
    REQUIRE(new_flows.open(random_flows(60, 7000, 2)) == 60);
    CHECK(glbd.target(id).at("newFlows") == before);
    CHECK(old_flows.exchange() == 60);
    const auto remaining = sources();
    CHECK(remaining == owned);
    const auto moved = std::count_if(owned.begin(), owned.end(),
                                     [&](const std::string &source) { return !remaining.contains(source); });
    record_scenario("flows of a drained target, across kill -9 and an apply",
                    {owned.size(), static_cast<std::uint64_t>(moved), {}, "flows", "moved"});

    const auto waited = glbd.ctl({"drain", "--wait=1", name});
    CHECK(waited.code == 1);
    CHECK(waited.text.find("flows left") != std::string::npos);
    old_flows.close();
    CHECK(eventually(60s, [&] { return glbd.ctl({"drain", "--wait=5", name}).code == 0; }));
    CHECK(glbd.target(id).at("activeFlows") == 0);

    glbd.must_ctl({"undrain", name});
    REQUIRE(eventually(15s, [&] { return glbd.target(id).at("state") == "healthy"; }));
    TcpFlows again(testbed.client); // the target's share is an eighth
    REQUIRE(again.open(random_flows(200, 7000, 3)) == 200);
    CHECK(glbd.target(id).at("newFlows") > before);
}

TEST_CASE("drain: remaining flows are steered to other targets after the deregistration delay") {
    need_root();
    const TwoArm testbed({.appliances = 2});
    const TcpServer echo(testbed.server, 7000);
    Daemon glbd(testbed.node);
    auto manifest = testbed.manifest();
    manifest["targetGroups"][0]["deregistrationDelaySeconds"] = 3;
    glbd.start(manifest);
    REQUIRE(glbd.wait_healthy(2));
    const auto id = manifest["targetGroups"][0]["targets"][0]["id"].get<std::string>();
    TcpFlows flows(testbed.client);
    REQUIRE(flows.open(random_flows(40, 7000)) == 40);
    REQUIRE(flows.exchange() == 40);
    REQUIRE_FALSE(glbd.flows({"--target", id}).empty());
    glbd.must_ctl({"drain", "firewalls/" + id});
    CHECK(flows.exchange() == 40);
    CHECK_FALSE(glbd.flows({"--target", id}).empty());
    REQUIRE(eventually(30s, [&] { return flows.exchange() == 40 && glbd.flows({"--target", id}).empty(); }));
    CHECK(glbd.target(id).at("state") == "draining");
}

TEST_CASE("drain: deadline survives daemon restart") {
    need_root();
    const TwoArm testbed({.appliances = 2});
    const TcpServer echo(testbed.server, 7000);
    Daemon glbd(testbed.node);
    auto manifest = testbed.manifest();
    manifest["targetGroups"][0]["deregistrationDelaySeconds"] = 8;
    glbd.start(manifest);
    REQUIRE(glbd.wait_healthy(2));
    TcpFlows flows(testbed.client);
    REQUIRE(flows.open(random_flows(40, 7000)) == 40);
    auto fewer = manifest;
    const auto id = manifest["targetGroups"][0]["targets"][0]["id"].get<std::string>();
    fewer["targetGroups"][0]["targets"].erase(0);
    const auto begin = std::chrono::steady_clock::now();
    REQUIRE(glbd.apply(fewer).code == 0);
    REQUIRE(glbd.target(id).at("state") == "draining");
    glbd.kill9();
    glbd.start();
    REQUIRE(glbd.target(id).at("state") == "draining");
    // 300 s would be the default for a drain without a known start.
    REQUIRE(eventually(60s, [&] { return !glbd.has_target(id); }));
    CHECK(std::chrono::steady_clock::now() - begin >= 7s);
    CHECK(flows.exchange() == 40);
}
