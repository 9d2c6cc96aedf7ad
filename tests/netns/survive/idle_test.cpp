// Flows that are idle beyond their timeout, while the Maglev table changes, return to their target.
#include <map>

#include <catch2/catch.hpp>

#include "tests/harness/skip.h"
#include "tests/netns/testbed/scenario.h"
#include "tests/netns/testbed/testbeds.h"

using namespace glb::test;
using namespace std::chrono_literals;

TEST_CASE("idle timeout: connections idle across a table change return to their targets") {
    need_root();
    const TwoArm testbed({.appliances = 4});
    const TcpServer echo(testbed.server, 7000);
    Daemon glbd(testbed.node);
    auto manifest = testbed.manifest();
    auto &group = manifest["targetGroups"][0];
    group["idleTimeout"] = {{"tcpSeconds", 60}};
    auto three = manifest;
    three["targetGroups"][0]["targets"].erase(3);
    glbd.start(three);
    REQUIRE(glbd.wait_healthy(3));
    TcpFlows flows(testbed.client);
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

    std::this_thread::sleep_for(55s); // the idle time itself is tested
    // A fourth target: the new table assigns it a quarter of all flows.
    REQUIRE(glbd.apply(manifest).code == 0);
    REQUIRE(glbd.wait_healthy(4));
    REQUIRE(eventually(20s, [&] { return owners().empty(); }));
    CHECK(flows.exchange() == 120);
    const auto after = owners();
    std::size_t moved = 0;
    for (const auto &[source, target] : after)
        moved += before.at(source) != target;
    CHECK(after.size() == 120);
    CHECK(moved == 0);
    record_scenario("idle beyond the timeout, across a table change",
                    {after.size(), moved, {}, "flows", "moved"});
}
