// drain and undrain: no new flows, the old ones in peace, whatever happens to the daemon.
#include <catch2/catch.hpp>

#include "tests/harness/skip.h"
#include "tests/netns/testbed/drill.h"
#include "tests/netns/testbed/testbeds.h"

using namespace glb::test;
using namespace std::chrono_literals;

TEST_CASE("drain: a target takes no new flows, keeps its own, through restart and apply, until undrain") {
    need_root();
    const TwoArm world({.appliances = 2});
    const TcpServer echo(world.server, 7000);
    Daemon glbd(world.node);
    glbd.start(world.manifest());
    REQUIRE(glbd.wait_healthy(2));
    const auto id = world.manifest()["targetGroups"][0]["targets"][0]["id"].get<std::string>();
    const auto other = world.manifest()["targetGroups"][0]["targets"][1]["id"].get<std::string>();
    const auto name = "firewalls/" + id;
    TcpFlows old_flows(world.client);
    REQUIRE(old_flows.open(random_flows(60, 7000)) == 60);
    REQUIRE(old_flows.exchange() == 60);
    const auto owned = glbd.flows({"--target", name}).size();
    REQUIRE(owned > 5);

    const auto drained = glbd.must_ctl({"drain", name});
    CHECK(drained.at("drainedByOperator") == true);
    CHECK(drained.at("activeFlows").get<std::size_t>() >= owned);
    CHECK(glbd.target(id).at("state") == "draining");
    CHECK(glbd.target(id).at("drainedByOperator") == true);
    CHECK(glbd.ctl({"drain", "firewalls/" + other}).code == 1); // the last one
    CHECK(glbd.target(other).at("state") == "healthy");
    CHECK(glbd.must_ctl({"diff", (glbd.folder() / "manifest.json").string()}).at("drainedByOperator") ==
          json::array({name}));

    glbd.kill9();
    glbd.start(world.manifest());
    CHECK(glbd.target(id).at("drainedByOperator") == true);
    auto manifest = world.manifest();
    manifest["targetGroups"][0]["targets"][1]["weight"] = 7;
    REQUIRE(glbd.apply(manifest).code == 0);
    CHECK(glbd.target(id).at("state") == "draining");
    const auto before = glbd.target(id).at("newFlows");
    TcpFlows new_flows(world.client);
    REQUIRE(new_flows.open(random_flows(60, 7000, 2)) == 60);
    CHECK(glbd.target(id).at("newFlows") == before);
    CHECK(old_flows.exchange() == 60);
    const auto kept = glbd.flows({"--target", name}).size();
    CHECK(kept == owned); // they are where they were
    tell_drill("flows of a drained target, through kill -9 and an apply",
               {owned, owned - kept, {}, "flows", "moved"});

    const auto waited = glbd.ctl({"drain", "--wait=1", name});
    CHECK(waited.code == 1);
    CHECK(waited.text.find("flows left") != std::string::npos);
    old_flows.close();
    CHECK(eventually(60s, [&] { return glbd.ctl({"drain", "--wait=5", name}).code == 0; }));
    CHECK(glbd.target(id).at("activeFlows") == 0);

    glbd.must_ctl({"undrain", name});
    REQUIRE(eventually(15s, [&] { return glbd.target(id).at("state") == "healthy"; }));
    TcpFlows again(world.client); // an eighth of them is its share
    REQUIRE(again.open(random_flows(200, 7000, 3)) == 200);
    CHECK(glbd.target(id).at("newFlows") > before);
}

TEST_CASE("drain: after the deregistration delay the rest is steered again") {
    need_root();
    const TwoArm world({.appliances = 2});
    const TcpServer echo(world.server, 7000);
    Daemon glbd(world.node);
    auto manifest = world.manifest();
    manifest["targetGroups"][0]["deregistrationDelaySeconds"] = 3;
    glbd.start(manifest);
    REQUIRE(glbd.wait_healthy(2));
    const auto id = manifest["targetGroups"][0]["targets"][0]["id"].get<std::string>();
    TcpFlows flows(world.client);
    REQUIRE(flows.open(random_flows(40, 7000)) == 40);
    REQUIRE(flows.exchange() == 40);
    REQUIRE_FALSE(glbd.flows({"--target", id}).empty());
    glbd.must_ctl({"drain", "firewalls/" + id});
    CHECK(flows.exchange() == 40);
    CHECK_FALSE(glbd.flows({"--target", id}).empty());
    REQUIRE(eventually(30s, [&] { return flows.exchange() == 40 && glbd.flows({"--target", id}).empty(); }));
    CHECK(glbd.target(id).at("state") == "draining");
}

TEST_CASE("drain: one that an earlier daemon began goes on with the time it has left") {
    need_root();
    const TwoArm world({.appliances = 2});
    const TcpServer echo(world.server, 7000);
    Daemon glbd(world.node);
    auto manifest = world.manifest();
    manifest["targetGroups"][0]["deregistrationDelaySeconds"] = 8;
    glbd.start(manifest);
    REQUIRE(glbd.wait_healthy(2));
    TcpFlows flows(world.client);
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
    REQUIRE(eventually(
        60s, [&] { return !glbd.has_target(id); })); // not the 300 s of a drain whose beginning nobody knows
    CHECK(std::chrono::steady_clock::now() - begin >= 7s);
    CHECK(flows.exchange() == 40);
}
