// Removing a target moves the flows that it had, by policy, and no other.
#include <map>

#include <catch2/catch.hpp>

#include "tests/harness/skip.h"
#include "tests/netns/testbed/drill.h"
#include "tests/netns/testbed/testbeds.h"

using namespace glb::test;
using namespace std::chrono_literals;

namespace {

// So many that no heir has nearly half of a fifth of them by chance: once in a hundred million runs.
constexpr std::size_t flows_wanted = 1000;

std::map<std::string, std::string> owners_of(const Daemon &glbd) {
    std::map<std::string, std::string> owners;
    for (const auto &flow : glbd.flows({"--protocol", "tcp"}))
        owners[flow.at("source")] = flow.at("target");
    return owners;
}

} // namespace

TEST_CASE("survive: endpoints that come and go give their places back while flows of others live") {
    need_root();
    const TwoArm world;
    const TcpServer echo(world.server, 7000);
    Daemon glbd(world.node);
    auto manifest = world.manifest();
    glbd.start(manifest);
    REQUIRE(glbd.wait_healthy(1));
    TcpFlows flows(world.client);
    REQUIRE(flows.open(random_flows(10, 7000)) == 10);
    manifest["endpoints"].push_back(manifest["endpoints"][0]);
    auto &passing = manifest["endpoints"][1];
    passing["id"] = "vpce-00000000000000077";
    passing["interfaces"] = {{{"name", "cli0"}, {"vlan", 77}}};
    constexpr unsigned places = 256; // GLB_MAX_ENDPOINTS
    for (unsigned number = 0; number < places + 8; ++number) {
        passing["name"] = "passing-" + std::to_string(number);
        const auto answer = glbd.apply(manifest);
        INFO(answer.text << glbd.log());
        REQUIRE(answer.code == 0);
        if (number == places / 2)
            std::this_thread::sleep_for(4s); // two scans of the table
    }
    CHECK(flows.exchange() == 10);
}

TEST_CASE("survive: removal of one of five targets moves no flow of the others; under hold it moves none") {
    need_root();
    const std::string policy = GENERATE("hold", "rehash");
    const TwoArm world({.appliances = 5});
    const TcpServer echo(world.server, 7000);
    Daemon glbd(world.node);
    auto manifest = world.manifest();
    manifest["targetGroups"][0]["onTargetFailure"]["deregistered"] = policy;
    manifest["targetGroups"][0]["deregistrationDelaySeconds"] = 1;
    glbd.start(manifest);
    REQUIRE(glbd.wait_healthy(5));
    TcpFlows flows(world.client);
    REQUIRE(flows.open(random_flows(flows_wanted, 7000)) == flows_wanted);
    REQUIRE(flows.exchange() == flows_wanted);
    const auto before = owners_of(glbd);
    auto fewer = manifest;
    fewer["targetGroups"][0]["targets"].erase(4);
    REQUIRE(glbd.apply(fewer).code == 0);
    if (policy == "hold")
        std::this_thread::sleep_for(4s); // the delay, and a scan of the table: nothing is to happen
    else
        REQUIRE(eventually(20s, [&] { return !glbd.has_target("fw-5"); }));
    CHECK(flows.exchange() == flows_wanted);
    const auto after = owners_of(glbd);
    std::size_t others = 0, moved_of_others = 0, moved = 0;
    std::map<std::string, std::size_t> heirs;
    for (const auto &[source, target] : before) {
        if (target == "fw-5") {
            moved += after.at(source) != target;
            ++heirs[after.at(source)];
        } else {
            ++others;
            moved_of_others += after.at(source) != target;
        }
    }
    INFO(policy << "\n" << glbd.log());
    CHECK(moved_of_others == 0);
    CHECK(others > flows_wanted * 6 / 10);
    const auto orphans = before.size() - others;
    CHECK(moved == (policy == "hold" ? 0 : orphans));
    if (policy == "rehash")
        for (const auto &[target, count] : heirs) // spread over all that live, never piled on one
            CHECK(count < orphans * 45 / 100);
    tell_drill("removal under " + policy, {others, moved_of_others, {}, "flows of other targets"});
}
