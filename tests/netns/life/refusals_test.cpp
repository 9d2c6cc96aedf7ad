// What glbd refuses: in one line that names it, with nothing changed and nothing left behind.
#include <algorithm>

#include <catch2/catch.hpp>

#include "tests/harness/skip.h"
#include "tests/netns/world/worlds.h"

using namespace glb::test;
using namespace std::chrono_literals;

namespace {

std::string state_of(const TwoArm &world) {
    return kernel_state(world.node, {"srv0", "under0"});
}

} // namespace

TEST_CASE("refusals: a manifest with errors changes nothing, and every error is told with its place") {
    need_root();
    const TwoArm world;
    const TcpServer echo(world.server, 7000);
    Daemon glbd(world.node);
    glbd.start(world.manifest());
    REQUIRE(glbd.wait_healthy(1));
    const auto before = kernel_state(world.node, world.devices);
    const auto manifest = glbd.must_ctl({"export"});
    const auto epoch = glbd.must_ctl({"status"}).at("epoch");
    auto broken = world.manifest();
    broken["endpoints"][0]["targetGroup"] = "nobody";
    broken["targetGroups"][0]["targets"][0]["address"] = "10.1.0.999";
    broken["node"]["surprise"] = 1;
    const auto answer = glbd.apply(broken);
    CHECK(answer.code == 1);
    for (const std::string pointer :
         {"/endpoints/0/targetGroup", "/targetGroups/0/targets/0/address", "/node/surprise"}) {
        INFO(answer.text);
        CHECK(answer.text.find(pointer) != std::string::npos);
    }
    CHECK(glbd.must_ctl({"export"}) == manifest);
    CHECK(glbd.must_ctl({"status"}).at("epoch") == epoch);
    CHECK(kernel_state(world.node, world.devices) == before);
    CHECK(tcp_works(world.client, TwoArm::server_address, 7000));
}

TEST_CASE("refusals: an interface that is not there") {
    need_root();
    const TwoArm world;
    const auto before = state_of(world);
    Daemon glbd(world.node);
    glbd.start();
    auto manifest = world.manifest();
    manifest["endpoints"][0]["interfaces"] = {"cli0", "srv9"};
    const auto answer = glbd.apply(manifest);
    INFO(answer.text << glbd.log());
    CHECK(answer.code == 1);
    CHECK(answer.text.find("srv9") != std::string::npos);
    CHECK(answer.text.find("/endpoints/0/interfaces/1") != std::string::npos);
    CHECK(state_of(world) == before);
    CHECK(glbd.must_ctl({"status"}).at("ready") == false);
    CHECK(glbd.apply(world.manifest()).code == 0);
}

TEST_CASE("refusals: an XDP hook that another program holds") {
    need_root();
    const TwoArm world;
    const auto before = state_of(world);
    Daemon glbd(world.node);
    glbd.start();
    std::optional<XdpPass> foreign(with_xdp_pass(world.node, "cli0"));
    const auto answer = glbd.apply(world.manifest());
    INFO(answer.text << glbd.log());
    CHECK(answer.code == 1);
    CHECK(answer.text.find("cli0") != std::string::npos);
    // The reason on stderr and the document on stdout, a line each.
    CHECK(std::count(answer.text.begin(), answer.text.end(), '\n') <= 2);
    CHECK(state_of(world) == before);
    foreign.reset();
    CHECK(glbd.apply(world.manifest()).code == 0);
}

TEST_CASE("refusals: a port in use for --metrics") {
    need_root();
    const TwoArm world;
    const auto before = kernel_state(world.node, world.devices);
    const TcpServer squatter(world.node, 9468);
    Daemon glbd(world.node);
    auto &process = glbd.launch(world.manifest());
    REQUIRE(process.wait(10s));
    INFO(process.output());
    CHECK(process.code() == 1);
    CHECK(process.output().find("9468") != std::string::npos);
    CHECK(kernel_state(world.node, world.devices) == before);
    CHECK(glbd.pins().empty());
}

TEST_CASE("refusals: nobody answers") {
    need_root();
    const TwoArm world;
    const Daemon glbd(world.node);
    CHECK(glbd.ctl({"status"}).code == 3);
}
