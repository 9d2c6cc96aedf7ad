// remove(), and the state file: the kernel's state before the first install() is restored, also by another process.
#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>

#include "tests/harness/skip.h"
#include "tests/netns/guard_unprivileged/guarded_node.h"

using namespace glb;
using namespace glb::test;

TEST_CASE("guard remove: restores the state before install, and the guard can be installed again") {
    need_root();
    GuardedNode node;
    NodeGuard guard(node);
    const auto before = node.state();
    REQUIRE(guard.remove()); // not installed
    CHECK(node.state() == before);
    for (int i = 0; i < 2; ++i) {
        REQUIRE(guard.install(node.plan()));
        CHECK(node.state() != before);
        CHECK(std::filesystem::exists(node.paths.state));
        REQUIRE(guard.remove());
        CHECK(node.state() == before);
        CHECK_FALSE(std::filesystem::exists(node.paths.state));
        CHECK(node.programs.pinned.empty());
        CHECK(guard.repaired().empty());
        CHECK(node.state() == before); // a check without a plan installs nothing
    }
}

TEST_CASE("guard remove: by another process, with or without an install of its own") {
    need_root();
    GuardedNode node;
    const auto before = node.state();
    REQUIRE(NodeGuard(node).install(node.plan({"eth1"}, 77)));
    NodeGuard second(node);
    SECTION("without") {}
    SECTION("with the same plan") {
        REQUIRE(second.install(node.plan({"eth1"}, 77)));
    }
    SECTION("with another plan") {
        REQUIRE(second.install(node.plan({"eth0"})));
        CHECK(node.sysctl("net/ipv4/conf/eth1/rp_filter") == "1");
        CHECK_FALSE(node.has_clsact("eth1"));
        CHECK_FALSE(node.filter("eth1"));
        CHECK(node.rules().size() == 1);
    }
    SECTION("with a wider plan") {
        REQUIRE(second.install(node.plan()));
    }
    REQUIRE(second.remove());
    CHECK(node.state() == before);
    CHECK_FALSE(std::filesystem::exists(node.paths.state));
}

TEST_CASE("guard remove: a sysctl that an operator changed meanwhile is set to the value before install") {
    need_root();
    GuardedNode node;
    const auto key = "net/ipv4/conf/eth1/rp_filter";
    {
        NodeGuard first(node);
        REQUIRE(first.install(node.plan()));
        node.ns.sysctl(key, "0");
        CHECK(first.repaired() == Lines{"sysctl net/ipv4/conf/eth1/rp_filter"});
    }
    node.ns.sysctl(key, "0");
    NodeGuard second(node);
    REQUIRE(second.install(node.plan()));
    REQUIRE(second.remove());
    CHECK(node.sysctl(key) == "1");
}

TEST_CASE("guard remove: interfaces that are gone do not disturb it") {
    need_root();
    GuardedNode node;
    NodeGuard guard(node);
    REQUIRE(guard.install(node.plan()));
    node.run("ip link del eth1");
    REQUIRE(guard.remove());
    CHECK(node.rules().empty());
    CHECK_FALSE(node.has_clsact("eth0"));
    CHECK(node.sysctl("net/ipv4/conf/eth0/rp_filter") == "0");
}

TEST_CASE("guard remove: continues after a failure, returns the first, and can be repeated") {
    need_root();
    GuardedNode node;
    NodeGuard guard(node);
    const auto before = node.state();
    REQUIRE(guard.install(node.plan({"eth0", "eth1"}, 77)));
    const auto table_and_rules_are_gone = [&] {
        return node.run("nft list ruleset").empty() && node.rules("-4").empty() && node.rules("-6").empty();
    };
    const bool is_repeated_by_same = GENERATE(true, false);
    Status removed;
    SECTION("the first filter") {
        node.programs.fail(1, "remove eth0");
        removed = guard.remove();
        REQUIRE_FALSE(removed);
        CHECK(removed.error().message.find("remove eth0") == 0);
        CHECK(node.filter("eth0"));
        CHECK_FALSE(node.filter("eth1"));
        CHECK_FALSE(node.has_clsact("eth1"));
        CHECK(node.programs.pinned.empty());
    }
    SECTION("the second filter, and the pins") {
        node.programs.fail(1, "remove eth1");
        node.programs.before = [&](const std::string &operation) {
            if (operation == "unpin")
                node.programs.fail(1, "unpin");
        };
        removed = guard.remove();
        REQUIRE_FALSE(removed);
        CHECK(removed.error().message.find("remove eth1") == 0); // the first one
        CHECK_FALSE(node.filter("eth0"));
        CHECK(node.filter("eth1"));
        CHECK_FALSE(node.programs.pinned.empty());
        node.programs.before = nullptr;
    }
    SECTION("the state file") {
        node.read_only();
        removed = guard.remove();
        REQUIRE_FALSE(removed);
        CHECK_FALSE(node.filter("eth0"));
        CHECK_FALSE(node.filter("eth1"));
        CHECK(node.state() == before); // a file that cannot be written does not keep the guard installed
        node.writable();
    }
    CHECK(table_and_rules_are_gone());
    CHECK(node.sysctl("net/ipv4/conf/eth0/rp_filter") == "0");
    CHECK(node.sysctl("net/ipv4/conf/eth1/rp_filter") == "1");
    CHECK(std::filesystem::exists(node.paths.state));

    if (is_repeated_by_same)
        REQUIRE(guard.remove());
    else
        REQUIRE(NodeGuard(node).remove());
    CHECK(node.state() == before);
    CHECK_FALSE(std::filesystem::exists(node.paths.state));
}

TEST_CASE("guard remove: a value in the state file that the kernel rejects does not keep the others") {
    need_root();
    GuardedNode node;
    REQUIRE(NodeGuard(node).install(node.plan()));
    std::string damaged;
    auto saved = guard::SavedState::load(node.paths.state, damaged);
    REQUIRE(damaged.empty());
    REQUIRE(saved.sysctls.at("net/ipv4/conf/eth0/rp_filter") == "0");
    saved.sysctls["net/ipv4/conf/eth0/rp_filter"] = "none";
    REQUIRE(saved.save(node.paths.state));
    NodeGuard guard(node);
    const auto removed = guard.remove();
    REQUIRE_FALSE(removed);
    CHECK(removed.error().message.find("net/ipv4/conf/eth0/rp_filter") != std::string::npos);
    CHECK(node.sysctl("net/ipv4/conf/eth1/rp_filter") == "1");
    CHECK(node.sysctl("net/ipv4/fwmark_reflect") == "0");
    CHECK(node.rules().empty());
}

TEST_CASE("guard: a damaged state file is reported, and the guard works without it") {
    need_root();
    GuardedNode node;
    REQUIRE(NodeGuard(node).install(node.plan({"eth1"})));
    std::ofstream(node.paths.state) << "{";
    NodeGuard guard(node);
    REQUIRE(guard.install(node.plan({"eth0"})));
    const auto report = guard.check();
    CHECK(report.repaired.empty());
    CHECK(
        report.conditions ==
        Conditions{{Severity::warning, "guard-state-damaged", node.paths.state.string(),
                    node.paths.state.string() + " is damaged: the original sysctl values are unknown", ""}});
    CHECK_FALSE(node.filter("eth1"));
    CHECK(node.rules().size() == 1);
    CHECK(node.has_clsact("eth1")); // it is unknown who created it

    REQUIRE(guard.remove());
    CHECK(node.rules().empty());
    CHECK_FALSE(node.filter("eth0"));
    CHECK_FALSE(node.has_clsact("eth0"));
    CHECK(node.sysctl("net/ipv4/conf/eth0/rp_filter") == "0"); // saved by this guard
    CHECK(node.sysctl("net/ipv4/conf/eth1/rp_filter") == "2");
    CHECK_FALSE(std::filesystem::exists(node.paths.state));
}
