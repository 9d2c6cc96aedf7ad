// The guard at boot: it is active before glbd runs and before the interfaces exist.
#include <fstream>

#include <catch2/catch.hpp>

#include "tests/harness/skip.h"
#include "tests/netns/testbed/testbeds.h"

using namespace glb::test;
using namespace std::chrono_literals;

namespace {

/// Runs `glbd --guard-only` to its end.
struct GuardOnlyResult {
    int status = -1;
    std::string log;
};
GuardOnlyResult guard_only(Daemon &glbd, const std::filesystem::path &state, const json &manifest = nullptr) {
    auto &process = glbd.launch(manifest, {"--guard-only", "--state-dir", state});
    const bool ended = process.wait(10s);
    return {ended ? process.code() : -1, glbd.log()};
}

void wire(const TwoArm &testbed, const std::string &device, const Namespace &host) {
    const bool client_side = device == "cli0";
    veth(testbed.node, device, host, "eth0");
    testbed.node.address(device, client_side ? "192.0.2.1/24" : "198.51.100.1/24");
    host.address("eth0", client_side ? "192.0.2.10/24" : "198.51.100.20/24");
    host.route("default", client_side ? "192.0.2.1" : "198.51.100.1");
    testbed.node.must({"ip", "neigh", "flush", "all"});
}

/// A node after a power failure: a manifest was applied, and only the state folder remains.
struct AfterPowerFailure {
    AfterPowerFailure() {
        TwoArm before;
        Daemon glbd(before.node);
        glbd.start(before.manifest(), {"--state-dir", state.path()});
        manifest = before.manifest();
        glbd.kill9();
    }
    TempFolder state;
    json manifest;
};

void overwrite(const std::filesystem::path &file, const std::string &content) {
    REQUIRE(std::filesystem::exists(file));
    std::ofstream(file, std::ios::trunc) << content;
}

} // namespace

TEST_CASE("boot: guard is active before glbd runs, also for interfaces that appear later") {
    need_root();
    const AfterPowerFailure fixture;
    TwoArm testbed;
    TcpServer echo(testbed.server, 7000);
    REQUIRE(tcp_works(testbed.client, TwoArm::server_address, 7000, 5s)); // the kernel routes, as at boot
    for (const auto *device : {"cli0", "srv0"})
        testbed.node.must({"ip", "link", "del", device});
    Daemon glbd(testbed.node);
    const auto done = guard_only(glbd, fixture.state.path());
    INFO(done.log);
    REQUIRE(done.status == 0);
    wire(testbed, "cli0", testbed.client);
    wire(testbed, "srv0", testbed.server);
    CHECK_FALSE(tcp_works(testbed.client, TwoArm::server_address, 7000, 700ms));
    CHECK_FALSE(ping(testbed.server, TwoArm::client_address));
    // After a flush of nftables the routing rules, which match the interface by name, still drop.
    testbed.node.must({"nft", "flush", "ruleset"});
    const auto second = guard_only(glbd, fixture.state.path());
    REQUIRE(second.status == 0);
    CHECK_FALSE(tcp_works(testbed.client, TwoArm::server_address, 7000, 700ms));

    const auto client_pass = with_xdp_pass(testbed.client, "eth0");
    const auto server_pass = with_xdp_pass(testbed.server, "eth0");
    glbd.start(nullptr, {"--state-dir", fixture.state.path()});
    REQUIRE(glbd.wait_healthy(1));
    INFO(glbd.log());
    CHECK(tcp_works(testbed.client, TwoArm::server_address, 7000, 5s));
    CHECK(glbd.counter("encapsulated") > 0);
    CHECK(glbd.must_ctl({"guard"}).at("installed") == true);
}

TEST_CASE("boot: --guard-only next to a running daemon changes nothing") {
    need_root();
    TwoArm testbed;
    const TempFolder state;
    Daemon glbd(testbed.node);
    glbd.start(testbed.manifest(), {"--state-dir", state.path()});
    const auto before = kernel_state(testbed.node, testbed.devices);
    Daemon boot(testbed.node, 9469);
    const auto done = guard_only(boot, state.path());
    INFO(done.log);
    CHECK(done.status == 0);
    CHECK(kernel_state(testbed.node, testbed.devices) == before);
}

TEST_CASE(
    "boot: a damaged manifest without a history is an error that names --manifest, which is used then") {
    need_root();
    AfterPowerFailure fixture;
    overwrite(fixture.state.path() / "manifest", "");
    for (const auto *other : {"history", "values", "values.previous", "guard.json"})
        std::filesystem::remove_all(fixture.state.path() / other);
    TwoArm testbed;
    TcpServer echo(testbed.server, 7000);
    Daemon glbd(testbed.node);
    const auto refused = guard_only(glbd, fixture.state.path());
    INFO(refused.log);
    CHECK(refused.status == 1);
    CHECK(refused.log.find("--manifest") != std::string::npos);
    const auto done = guard_only(glbd, fixture.state.path(), fixture.manifest);
    INFO(done.log);
    CHECK(done.status == 0);
    CHECK_FALSE(tcp_works(testbed.client, TwoArm::server_address, 7000, 500ms));
}

TEST_CASE("boot: previous manifest is used if the current state file is damaged") {
    need_root();
    AfterPowerFailure fixture;
    {
        TwoArm before;
        Daemon glbd(before.node);
        glbd.start(nullptr, {"--state-dir", fixture.state.path()});
        auto other = fixture.manifest;
        other["targetGroups"][0]["targets"][0]["weight"] = 7;
        REQUIRE(glbd.apply(other).code == 0);
        glbd.kill9();
    }
    overwrite(fixture.state.path() / "manifest", std::string(512, '\0'));
    TwoArm testbed;
    TcpServer echo(testbed.server, 7000);
    Daemon glbd(testbed.node);
    const auto done = guard_only(glbd, fixture.state.path());
    INFO(done.log);
    CHECK(done.status == 0);
    CHECK(done.log.find("using the previous copy") != std::string::npos);
    CHECK_FALSE(tcp_works(testbed.client, TwoArm::server_address, 7000, 500ms));
}

TEST_CASE("boot: VLAN without a device is guarded by the name of its future device") {
    need_root();
    const TwoArm testbed;
    const TempFolder state;
    auto manifest = testbed.manifest();
    manifest["endpoints"][0]["interfaces"] = {{{"name", "cli0"}, {"vlan", 100}},
                                              {{"name", "srv0"}, {"vlan", {7, 9}}}};
    Daemon glbd(testbed.node);
    const auto done = guard_only(glbd, state.path(), manifest);
    INFO(done.log);
    REQUIRE(done.status == 0);
    const auto rules = testbed.node.must({"nft", "list", "table", "inet", "glb"});
    CHECK(rules.find("\"cli0.100\"") != std::string::npos);
    CHECK(rules.find("\"srv0.7.9\"") != std::string::npos);
}
