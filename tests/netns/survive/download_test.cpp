// One long download during restarts, drains, an appliance failure and configuration changes. Every byte must
// arrive.
#include <catch2/catch.hpp>

#include "tests/harness/skip.h"
#include "tests/netns/testbed/download.h"
#include "tests/netns/testbed/scenario.h"
#include "tests/netns/testbed/testbeds.h"

using namespace glb::test;
using namespace std::chrono_literals;

TEST_CASE("download: intact after kill -9, a drain, failure of its appliance, weight changes and reloads") {
    need_root();
    const std::size_t bytes = full_scale() ? 1'000'000'000 : 150'000'000;
    const unsigned reloads = full_scale() ? 1000 : 60;
    const TwoArm testbed({.appliances = 4});
    const Nginx nginx(testbed.server, {"80"}, bytes);
    Daemon glbd(testbed.node);
    auto manifest = testbed.manifest();
    glbd.start(manifest);
    REQUIRE(glbd.wait_healthy(4));
    PacedDownload download(testbed.client, TwoArm::client_address, 40000, TwoArm::server_address, bytes,
                           full_scale() ? 12'000'000 : 10'000'000);
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
    const auto &dead = testbed.appliances.at(static_cast<std::size_t>(first.back() - '1'));
    REQUIRE(dead->id() == first);
    dead->disconnect();
    // Detection plus TCP's retransmission timer, which doubles.
    REQUIRE(eventually(30s, [&] { return owner() != first; }));
    const auto second = owner();
    CHECK(second != "");
    dead->reconnect();
    glbd.must_ctl({"undrain", "firewalls/" + first});
    for (unsigned round = 0; round < reloads; round++) {
        for (std::size_t i = 0; i < 4; i++)
            manifest["targetGroups"][0]["targets"][i]["weight"] = 1 + (round + i) % 7;
        REQUIRE(glbd.apply(manifest).code == 0);
    }
    CHECK(owner() == second);
    CHECK(download.running()); // every event happened during the download
    const auto sum = download.finish();
    INFO(glbd.log());
    CHECK(sum == nginx.sha256());
    CHECK(glbd.uninspected() == 0);
    record_scenario("download of " + std::to_string(bytes / 1'000'000) + " MB",
                    {1, sum == nginx.sha256() ? 0u : 1u, {}, "downloads", "damaged or aborted"});
}
