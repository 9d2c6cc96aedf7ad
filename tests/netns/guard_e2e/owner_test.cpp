// Two daemons in one network namespace: the second changes nothing of the first one's guard, alive or dead.
#include <catch2/catch.hpp>

#include "tests/harness/skip.h"
#include "tests/netns/testbed/testbeds.h"

using namespace glb::test;
using namespace std::chrono_literals;

namespace {

bool contains(const std::string &text, const std::string &part) {
    return text.find(part) != std::string::npos;
}

struct TwoDaemons {
    TwoDaemons() {
        auto named = testbed.manifest();
        named["node"]["name"] = "node-a";
        first.start(named);
        second.start();
    }
    [[nodiscard]] std::string kernel() const { return kernel_state(testbed.node, testbed.devices); }
    /// The second daemon's manifest is refused, and its `down` removes nothing.
    void check_refused(const std::string &advice) {
        const auto before = kernel();
        const auto refused = second.apply(testbed.manifest());
        INFO(refused.text);
        CHECK(refused.code == 1);
        CHECK(contains(refused.text, "node-a"));
        CHECK(contains(refused.text, "(state directory " + (first.folder() / "state").string() + ", bpffs " +
                                         first.bpffs().string() + ")"));
        CHECK(contains(refused.text, advice));
        const auto down = second.must_ctl({"down", "--yes"});
        CHECK(down.at("guardKept") == false);
        CHECK(contains(down.at("guardLeft").get<std::string>(), "belongs to node \"node-a\""));
        CHECK_FALSE(contains(second.log(), "and guard removed"));
        CHECK(second.must_ctl({"status"}).at("guard").at("installed") == false);
        CHECK(kernel() == before);
    }
    TwoArm testbed;
    Daemon first{testbed.node}, second{testbed.node, 9469};
};

} // namespace

TEST_CASE("two daemons: refused apply and down of the second leave the guard, and the advice works") {
    need_root();
    TwoDaemons daemons;
    auto &[testbed, first, second] = daemons;
    const auto socket = first.socket_path();
    daemons.check_refused("glbctl --socket " + socket + " down --yes");
    first.kill9();
    daemons.check_refused("start it with --state-dir " + (first.folder() / "state").string());

    testbed.node.must({"ip", "link", "del", "cli0"}); // neither a program nor a tc filter
    veth(testbed.node, "cli0", testbed.client, "eth0");
    testbed.node.address("cli0", "192.0.2.1/24");
    testbed.client.address("eth0", "192.0.2.10/24");
    testbed.client.route("default", "192.0.2.1");
    CHECK_FALSE(ping(testbed.client, TwoArm::server_address, 3));

    first.start(); // ready again, with its guard
    CHECK(first.must_ctl({"guard"}).at("installed") == true);
    CHECK_FALSE(first.must_ctl({"down", "--yes"}).contains("guardLeft"));
    CHECK(contains(first.log(), "data path and guard removed"));
    const auto applied = second.apply(testbed.manifest());
    INFO(applied.text);
    CHECK(applied.code == 0);
}

TEST_CASE("two daemons: gc removes the guard of one whose state directory is gone") {
    need_root();
    TwoDaemons daemons;
    auto &[testbed, first, second] = daemons;
    first.kill9();
    first.force_detach(testbed.devices);
    const auto before = daemons.kernel();
    CHECK_FALSE(second.ctl({"gc"}).code == 0); // nothing is known to be left over
    CHECK(daemons.kernel() == before);
    std::filesystem::remove_all(first.folder() / "state");
    const auto refused = second.apply(testbed.manifest());
    INFO(refused.text);
    CHECK(contains(refused.text, "remove it with glbctl gc"));
    const auto collected = second.must_ctl({"gc"});
    REQUIRE(collected.at("leftovers").size() == 1);
    CHECK(collected.at("leftovers")[0].at("kind") == "guard");
    CHECK(second.apply(testbed.manifest()).code == 0);
}
