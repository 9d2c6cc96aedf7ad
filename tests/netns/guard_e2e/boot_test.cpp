// The guard at boot: it stands before glbd runs, and before the interfaces are there.
#include <fstream>

#include <catch2/catch.hpp>

#include "tests/harness/skip.h"
#include "tests/netns/testbed/testbeds.h"

using namespace glb::test;
using namespace std::chrono_literals;

namespace {

/// Runs `glbd --guard-only` and waits for its end; its status and what it said.
struct GuardOnly {
    int status = -1;
    std::string said;
};
GuardOnly guard_only(Daemon &glbd, const std::filesystem::path &state, const json &manifest = nullptr) {
    auto &process = glbd.launch(manifest, {"--guard-only", "--state-dir", state});
    const bool ended = process.wait(10s);
    return {ended ? process.code() : -1, glbd.log()};
}

void wire(const TwoArm &world, const std::string &device, const Namespace &host) {
    const bool client_side = device == "cli0";
    veth(world.node, device, host, "eth0");
    world.node.address(device, client_side ? "192.0.2.1/24" : "198.51.100.1/24");
    host.address("eth0", client_side ? "192.0.2.10/24" : "198.51.100.20/24");
    host.route("default", client_side ? "192.0.2.1" : "198.51.100.1");
    world.node.must({"ip", "neigh", "flush", "all"});
}

/// A node that applied a manifest once, and then lost its power: all that is left is the state folder.
struct AfterPowerCut {
    AfterPowerCut() {
        TwoArm before;
        Daemon glbd(before.node);
        glbd.start(before.manifest(), {"--state-dir", state.path()});
        manifest = before.manifest();
        glbd.kill9();
    }
    TempFolder state;
    json manifest;
};

void spoil(const std::filesystem::path &file, const std::string &content) {
    REQUIRE(std::filesystem::exists(file));
    std::ofstream(file, std::ios::trunc) << content;
}

} // namespace

TEST_CASE("boot: the guard stands before glbd runs, by interfaces that come later too") {
    need_root();
    const AfterPowerCut cut;
    TwoArm world;
    TcpServer echo(world.server, 7000);
    REQUIRE(
        tcp_works(world.client, TwoArm::server_address, 7000, 5s)); // the kernel routes, as it will at boot
    for (const auto *device : {"cli0", "srv0"})
        world.node.must({"ip", "link", "del", device});
    Daemon glbd(world.node);
    const auto done = guard_only(glbd, cut.state.path());
    INFO(done.said);
    REQUIRE(done.status == 0);
    wire(world, "cli0", world.client);
    wire(world, "srv0", world.server);
    CHECK_FALSE(tcp_works(world.client, TwoArm::server_address, 7000, 700ms));
    CHECK_FALSE(ping(world.server, TwoArm::client_address));
    // Whatever flushes the rule set afterwards: the routing rules hold what comes by name.
    world.node.must({"nft", "flush", "ruleset"});
    const auto again = guard_only(glbd, cut.state.path());
    REQUIRE(again.status == 0);
    CHECK_FALSE(tcp_works(world.client, TwoArm::server_address, 7000, 700ms));

    const auto client_pass = with_xdp_pass(world.client, "eth0");
    const auto server_pass = with_xdp_pass(world.server, "eth0");
    glbd.start(nullptr, {"--state-dir", cut.state.path()});
    REQUIRE(glbd.wait_healthy(1));
    INFO(glbd.log());
    CHECK(tcp_works(world.client, TwoArm::server_address, 7000, 5s));
    CHECK(glbd.counter("encapsulated") > 0);
    CHECK(glbd.must_ctl({"guard"}).at("installed") == true);
}

TEST_CASE("boot: beside a daemon that runs it changes nothing") {
    need_root();
    TwoArm world;
    const TempFolder state;
    Daemon glbd(world.node);
    glbd.start(world.manifest(), {"--state-dir", state.path()});
    const auto before = kernel_state(world.node, world.devices);
    Daemon boot(world.node, 9469);
    const auto done = guard_only(boot, state.path());
    INFO(done.said);
    CHECK(done.status == 0);
    CHECK(kernel_state(world.node, world.devices) == before);
}

TEST_CASE("boot: a damaged state folder never means no guard without a word") {
    need_root();
    AfterPowerCut cut;
    const auto file = cut.state.path() / "manifest";
    const auto damage = GENERATE(as<std::string>{}, "", "glb-kept 1 20", std::string(4096, '\0'));
    TwoArm world;
    TcpServer echo(world.server, 7000);
    Daemon glbd(world.node);
    spoil(file, damage);
    const auto refused = guard_only(glbd, cut.state.path());
    INFO(refused.said);
    CHECK(refused.status == 1);
    CHECK(refused.said.find("--manifest") != std::string::npos);
    const auto done = guard_only(glbd, cut.state.path(), cut.manifest);
    INFO(done.said);
    CHECK(done.status == 0);
    CHECK_FALSE(tcp_works(world.client, TwoArm::server_address, 7000, 500ms));
}

TEST_CASE("boot: the manifest before stands in for one that was cut while it was written") {
    need_root();
    AfterPowerCut cut;
    {
        TwoArm before;
        Daemon glbd(before.node);
        glbd.start(nullptr, {"--state-dir", cut.state.path()});
        auto other = cut.manifest;
        other["targetGroups"][0]["targets"][0]["weight"] = 7;
        REQUIRE(glbd.apply(other).code == 0);
        glbd.kill9();
    }
    spoil(cut.state.path() / "manifest", std::string(512, '\0'));
    TwoArm world;
    TcpServer echo(world.server, 7000);
    Daemon glbd(world.node);
    const auto done = guard_only(glbd, cut.state.path());
    INFO(done.said);
    CHECK(done.status == 0);
    CHECK(done.said.find("using the previous generation") != std::string::npos);
    CHECK_FALSE(tcp_works(world.client, TwoArm::server_address, 7000, 500ms));
}

TEST_CASE("boot: a VLAN whose device is not there yet is guarded by the name that it will have") {
    need_root();
    const TwoArm world;
    const TempFolder state;
    auto manifest = world.manifest();
    manifest["endpoints"][0]["interfaces"] = {{{"name", "cli0"}, {"vlan", 100}},
                                              {{"name", "srv0"}, {"vlan", {7, 9}}}};
    Daemon glbd(world.node);
    const auto done = guard_only(glbd, state.path(), manifest);
    INFO(done.said);
    REQUIRE(done.status == 0);
    const auto rules = world.node.must({"nft", "list", "table", "inet", "glb"});
    CHECK(rules.find("\"cli0.100\"") != std::string::npos);
    CHECK(rules.find("\"srv0.7.9\"") != std::string::npos);
}
