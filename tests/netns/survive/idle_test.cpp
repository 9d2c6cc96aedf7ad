// Flows that were idle for longer than their timeout, while the table changed, come back to the target they
// had.
#include <map>

#include <catch2/catch.hpp>

#include "tests/harness/skip.h"
#include "tests/netns/testbed/drill.h"
#include "tests/netns/testbed/testbeds.h"

using namespace glb::test;
using namespace std::chrono_literals;

TEST_CASE("idle: connections that slept through their timeout and a change come back to their targets") {
    need_root();
    const TwoArm world({.appliances = 4});
    const TcpServer echo(world.server, 7000);
    Daemon glbd(world.node);
    auto manifest = world.manifest();
    auto &group = manifest["targetGroups"][0];
    group["idleTimeout"] = {{"tcpSeconds", 60}};
    auto three = manifest;
    three["targetGroups"][0]["targets"].erase(3);
    glbd.start(three);
    REQUIRE(glbd.wait_healthy(3));
    TcpFlows flows(world.client);
    REQUIRE(flows.open(random_flows(120, 7000)) == 120);
    REQUIRE(flows.exchange() == 120);
    const auto owners = [&] {
        std::map<std::string, std::string> all;
        for (const auto &flow : glbd.flows({"--protocol", "tcp"}))
            all[flow.at("source")] = flow.at("target");
        return all;
    };
    const auto before = owners();
    REQUIRE(before.size() == 120);

    std::this_thread::sleep_for(55s);        // what is waited for is the idle time itself
    REQUIRE(glbd.apply(manifest).code == 0); // one more: a quarter of all flows would be its
    REQUIRE(glbd.wait_healthy(4));
    REQUIRE(eventually(20s, [&] { return owners().empty(); }));
    CHECK(flows.exchange() == 120);
    std::size_t moved = 0;
    for (const auto &[source, target] : owners())
        moved += before.at(source) != target;
    CHECK(owners().size() == 120);
    CHECK(moved == 0);
    tell_drill("idle beyond the timeout, over a change of the table", {120, moved, {}, "flows", "moved"});
}
