// A failure at any point of install(): a later install() succeeds, and remove() restores the state before.
#include <catch2/catch.hpp>

#include <filesystem>

#include "tests/harness/skip.h"
#include "tests/netns/guard_unprivileged/guarded_node.h"

using namespace glb;
using namespace glb::test;

TEST_CASE("guard failure: of each operation on programs and filters, in turn") {
    need_root();
    const bool is_installed_again = GENERATE(true, false);
    GuardedNode node;
    const auto before = node.state();
    auto wide = node.plan({"eth0", "eth1"}, 77);
    wide.mark_mask = 0x0000ff00;
    std::size_t nth = 1;
    for (bool has_failed = true; has_failed; ++nth) {
        CAPTURE(nth);
        NodeGuard guard(node);
        REQUIRE(guard.install(node.plan({"peer-eth0", "eth0"})));
        REQUIRE(guard.set_magic(7));
        (void)node.programs.take();
        node.programs.fail(nth);
        const auto status = guard.install(wide);
        has_failed = !node.programs.fails_later();
        node.programs.fail(0);
        const bool without_program = has_failed && nth <= 2; // load and its set_magic: the walls stand
        CHECK(status.has_value() == (!has_failed || without_program));
        CHECK(guard.get().matches(wide) == (!has_failed || without_program));
        if (is_installed_again) {
            REQUIRE(guard.install(wide));
            CHECK(node.filter("eth0")->maps->magic == 7);
            CHECK(node.filter("eth1")->maps->ports == Lines{"eth0", "eth1"});
            CHECK(guard.repaired().empty());
        }
        REQUIRE(guard.remove());
        CHECK(node.state() == before);
        CHECK(node.programs.pinned.empty());
    }
    CHECK(nth == 8); // load, set_magic, write, two filters, one removed; and the run without a failure
}

TEST_CASE(
    "guard failure: without the tc program the walls by name stand, and the next check that can loads it") {
    need_root();
    GuardedNode node;
    const auto before = node.state();
    NodeGuard guard(node);
    node.programs.fail(1, "load");
    REQUIRE(guard.install(node.plan({"eth0", "eth1"}, 77)));
    CHECK(node.table().find("iifname \"eth0\"") != std::string::npos);
    CHECK(node.rules("-4").size() == 5);
    CHECK(node.rules("-6").size() == 5);
    CHECK(node.sysctl("net/ipv4/conf/eth1/rp_filter") == "2");
    CHECK_FALSE(node.filter("eth0"));
    CHECK(guard.get().matches(node.plan({"eth0", "eth1"}, 77)));
    const auto no_magic = guard.set_magic(7);
    REQUIRE_FALSE(no_magic);
    CHECK(no_magic.error().message.find("load 0xfff0000: Input/output error") != std::string::npos);

    node.programs.fail(1, "load");
    const auto conditions = guard.check().conditions;
    REQUIRE(conditions.size() == 1);
    CHECK(conditions[0].severity == Severity::error);
    CHECK(conditions[0].what == "guard-program-missing");
    CHECK(conditions[0].where == node.paths.pins.string());
    CHECK(conditions[0].message.starts_with("load 0xfff0000: Input/output error: "));
    node.run("nft flush ruleset");
    node.programs.fail(1, "load");
    CHECK(guard.repaired() == Lines{"nftables table inet glb"}); // is repaired without it

    const auto report = guard.check();
    CHECK(report.conditions.empty());
    CHECK(report.repaired == Lines{"tc filter on eth0", "tc filter on eth1"});
    CHECK(node.filter("eth0")->maps->ports == Lines{"eth0", "eth1"});
    CHECK(node.filter("eth0")->maps->magic == 7);
    REQUIRE(guard.remove());
    CHECK(node.state() == before);
}

TEST_CASE(
    "guard failure: a state file that cannot be written prevents no part of the guard, and is reported") {
    need_root();
    GuardedNode node;
    const auto before = node.state();
    auto daemon = std::make_optional<NodeGuard>(node);
    auto &guard = *daemon;
    const auto unwritable = [&] {
        const auto conditions = guard.check().conditions;
        return conditions.size() == 1 && conditions[0].severity == Severity::error &&
               conditions[0].what == "guard-state-unwritable" &&
               conditions[0].where == node.paths.state.string() &&
               conditions[0].message.find("No such file or directory; check " +
                                          node.paths.state.parent_path().string()) != std::string::npos;
    };
    SECTION("at the first write") {
        node.read_only();
        REQUIRE(guard.install(node.plan()));
        CHECK(unwritable());
    }
    SECTION("at another plan") {
        REQUIRE(guard.install(node.plan({"eth0"})));
        node.read_only();
        REQUIRE(guard.install(node.plan()));
        CHECK(unwritable());
    }
    SECTION("at the second qdisc") {
        node.programs.before = [&node](const std::string &operation) {
            if (operation == "put eth0")
                node.read_only();
        };
        REQUIRE(guard.install(node.plan()));
        node.programs.before = nullptr;
        CHECK(unwritable());
    }
    CHECK(guard.get().matches(node.plan()));
    CHECK(node.sysctl("net/ipv4/conf/eth1/rp_filter") == "2");
    CHECK(node.filter("eth0"));
    CHECK(node.filter("eth1"));
    CHECK(node.rules().size() == 2);
    CHECK(guard.repaired().empty());
    node.writable();
    CHECK(guard.check().conditions.empty()); // it is written as soon as it can be
    daemon.reset();
    REQUIRE(NodeGuard(node).remove());
    CHECK(node.state() == before);
}

TEST_CASE("guard failure: a state file that cannot be written does not prevent repairs of what it contains") {
    need_root();
    GuardedNode node;
    NodeGuard guard(node);
    REQUIRE(guard.install(node.plan()));
    const auto installed = node.state();
    node.read_only();
    node.run(
        "nft flush ruleset; tc qdisc del dev eth0 clsact; echo 1 > /proc/sys/net/ipv4/conf/eth1/rp_filter");
    CHECK(guard.repaired() ==
          Lines{"nftables table inet glb", "sysctl net/ipv4/conf/eth1/rp_filter", "tc filter on eth0"});
    CHECK(guard.repaired().empty());
    REQUIRE(guard.install(node.plan()));
    CHECK(node.state() == installed);
    node.writable();
}

TEST_CASE("guard failure: what a check could not repair is repaired by the next") {
    need_root();
    GuardedNode node;
    NodeGuard guard(node);
    REQUIRE(guard.install(node.plan()));
    const auto installed = node.state();
    node.run("tc qdisc del dev eth0 clsact; tc qdisc del dev eth1 clsact");
    node.programs.fail(1, "put eth1");
    const auto report = guard.check();
    CHECK(report.repaired == Lines{"tc filter on eth0"});
    REQUIRE(report.conditions.size() == 1);
    CHECK(report.conditions[0].severity == Severity::error);
    CHECK(report.conditions[0].what == "guard-broken");
    CHECK(report.conditions[0].where == "tc filters");
    CHECK(report.conditions[0].message.find("cannot be restored: put eth1") == 0);
    CHECK_FALSE(report.whole);
    CHECK(node.filter("eth0"));
    CHECK_FALSE(node.filter("eth1"));
    CHECK(guard.repaired() == Lines{"tc filter on eth1"});
    CHECK(node.state() == installed);
}

TEST_CASE("guard failure: ports that were not written are written by the next check, before filters") {
    need_root();
    GuardedNode node;
    NodeGuard guard(node);
    node.programs.fail(1, "write");
    REQUIRE_FALSE(guard.install(node.plan()));
    (void)node.programs.take();
    (void)guard.check();
    CHECK(node.programs.take() == Lines{"write 2", "put eth0", "put eth1"});
    CHECK(node.filter("eth0")->maps->ports == Lines{"eth0", "eth1"});

    node.run("ip link del eth1");
    node.programs.fail(1, "write");
    CHECK(guard.check().conditions.at(0).where == "maps of the tc filter");
    (void)guard.check();
    CHECK(node.filter("eth0")->maps->ports == Lines{"eth0"});
    (void)node.programs.take();
    CHECK(guard.repaired().empty());
    CHECK(node.programs.take().empty());
}
