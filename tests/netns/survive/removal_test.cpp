// Removal of a target moves only its own flows, according to the policy.
#include <map>

#include <catch2/catch.hpp>

#include "tests/harness/skip.h"
#include "tests/netns/testbed/scenario.h"
#include "tests/netns/testbed/testbeds.h"

using namespace glb::test;
using namespace std::chrono_literals;

namespace {

// Enough flows that a remaining target receives 45 % of the removed target's flows by chance only once in a
// hundred million runs.
constexpr std::size_t flows_wanted = 1000;

std::map<std::string, std::string> owners_of(const Daemon &glbd) {
    std::map<std::string, std::string> owners;
    for (const auto &flow : glbd.flows({"--protocol", "tcp"}))
        owners[flow.at("source")] = flow.at("target");
    return owners;
}

} // namespace

TEST_CASE("endpoints: indexes of removed endpoints are reused while flows of other endpoints live") {
    need_root();
    const TwoArm testbed;
    const TcpServer echo(testbed.server, 7000);
    Daemon glbd(testbed.node);
    auto manifest = testbed.manifest();
    glbd.start(manifest);
    REQUIRE(glbd.wait_healthy(1));
    TcpFlows flows(testbed.client);
    REQUIRE(flows.open(random_flows(10, 7000)) == 10);
    manifest["endpoints"].push_back(manifest["endpoints"][0]);
    auto &temporary = manifest["endpoints"][1];
    temporary["id"] = "vpce-00000000000000077";
    temporary["interfaces"] = {{{"name", "cli0"}, {"vlan", 77}}};
    constexpr unsigned indexes = 256; // GLB_MAX_ENDPOINTS
    for (unsigned number = 0; number < indexes + 8; ++number) {
        temporary["name"] = "temporary-" + std::to_string(number);
        const auto answer = glbd.apply(manifest);
        INFO(answer.text << glbd.log());
        REQUIRE(answer.code == 0);
        if (number == indexes / 2)
            std::this_thread::sleep_for(4s); // two flow table scans
    }
    CHECK(flows.exchange() == 10);
}

TEST_CASE("removal: one of five targets removed moves no flow of the others, and under hold none at all") {
    need_root();
    const std::string policy = GENERATE("hold", "rehash");
    const TwoArm testbed({.appliances = 5});
    const TcpServer echo(testbed.server, 7000);
    Daemon glbd(testbed.node);
    auto manifest = testbed.manifest();
    manifest["targetGroups"][0]["onTargetFailure"]["deregistered"] = policy;
    manifest["targetGroups"][0]["deregistrationDelaySeconds"] = 1;
    glbd.start(manifest);
    REQUIRE(glbd.wait_healthy(5));
    TcpFlows flows(testbed.client);
    REQUIRE(flows.open(random_flows(flows_wanted, 7000)) == flows_wanted);
    REQUIRE(flows.exchange() == flows_wanted);
    const auto before = owners_of(glbd);
    auto fewer = manifest;
    fewer["targetGroups"][0]["targets"].erase(4);
    REQUIRE(glbd.apply(fewer).code == 0);
    if (policy == "hold")
        std::this_thread::sleep_for(4s); // the delay and a flow table scan, which must move no flow
    else
        REQUIRE(eventually(20s, [&] { return !glbd.has_target("fw-5"); }));
    CHECK(flows.exchange() == flows_wanted);
    const auto after = owners_of(glbd);
    std::size_t others = 0, moved_of_others = 0, moved = 0;
    std::map<std::string, std::size_t> moved_to;
    for (const auto &[source, target] : before) {
        if (target == "fw-5") {
            moved += after.at(source) != target;
            ++moved_to[after.at(source)];
        } else {
            ++others;
            moved_of_others += after.at(source) != target;
        }
    }
    INFO(policy << "\n" << glbd.log());
    CHECK(moved_of_others == 0);
    CHECK(others > flows_wanted * 6 / 10);
    const auto flows_of_removed = before.size() - others;
    CHECK(moved == (policy == "hold" ? 0 : flows_of_removed));
    if (policy == "rehash")
        for (const auto &[target, count] : moved_to) // spread over all remaining targets
            CHECK(count < flows_of_removed * 45 / 100);
    record_scenario("removal under " + policy,
                    {others, moved_of_others, {}, "flows of other targets", "moved"});
}
