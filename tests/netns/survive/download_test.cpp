// One long download over all that an operator and fate do to a node; every byte of it must arrive.
#include <catch2/catch.hpp>

#include "tests/harness/skip.h"
#include "tests/netns/testbed/download.h"
#include "tests/netns/testbed/drill.h"
#include "tests/netns/testbed/testbeds.h"

using namespace glb::test;
using namespace std::chrono_literals;

TEST_CASE(
    "survive: a download lives through kill -9, drain, the death of its appliance, weights, and reloads") {
    need_root();
    const std::size_t bytes = drill_in_full() ? 1'000'000'000 : 150'000'000;
    const unsigned reloads = drill_in_full() ? 1000 : 60;
    const TwoArm world({.appliances = 4});
    const Nginx nginx(world.server, {"80"}, bytes);
    Daemon glbd(world.node);
    auto manifest = world.manifest();
    glbd.start(manifest);
    REQUIRE(glbd.wait_healthy(4));
    HeldDownload download(world.client, TwoArm::client_address, 40000, TwoArm::server_address, bytes,
                          drill_in_full() ? 12'000'000 : 10'000'000);
    const auto owner = [&]() -> std::string {
        const auto flows = glbd.flows({"--source", "192.0.2.10:40000"});
        return flows.empty() ? "" : flows[0].at("target").get<std::string>();
    };
    REQUIRE(eventually(10s, [&] { return !owner().empty(); }));
    const auto first = owner();

    glbd.kill9();
    glbd.start(manifest);
    REQUIRE(glbd.wait_healthy(4));
    CHECK(owner() == first);
    glbd.must_ctl({"drain", "firewalls/" + first});
    CHECK(owner() == first);
    const auto &dead = world.appliances.at(static_cast<std::size_t>(first.back() - '1'));
    REQUIRE(dead->id() == first);
    dead->cut();
    REQUIRE(eventually(
        30s, [&] { return owner() != first; })); // found dead, and sent again by a timer that doubles
    const auto second = owner();
    CHECK(second != "");
    dead->mend();
    glbd.must_ctl({"undrain", "firewalls/" + first});
    for (unsigned round = 0; round < reloads; round++) {
        for (std::size_t i = 0; i < 4; i++)
            manifest["targetGroups"][0]["targets"][i]["weight"] = 1 + (round + i) % 7;
        REQUIRE(glbd.apply(manifest).code == 0);
    }
    CHECK(owner() == second);
    CHECK(download.running()); // all of it happened while it ran
    const auto sum = download.finish();
    INFO(glbd.log());
    CHECK(sum == nginx.sha256());
    CHECK(glbd.uninspected() == 0);
    tell_drill("download", {bytes, sum == nginx.sha256() ? 0 : bytes, {}, "bytes"});
}
