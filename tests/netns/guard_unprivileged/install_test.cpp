// install(): what is in the kernel afterwards, in which order it gets there, and what a later plan removes.
#include <catch2/catch.hpp>

#include "tests/harness/skip.h"
#include "tests/netns/guard_unprivileged/guarded_node.h"

using namespace glb;
using namespace glb::test;

TEST_CASE("guard install: table, rules, sysctls, qdiscs and filters on a fresh namespace") {
    need_root();
    GuardedNode node;
    NodeGuard guard(node);
    REQUIRE(guard.install(node.plan({"eth0", "eth1"}, 77)));

    const auto table = node.table();
    for (const std::string line :
         {"counter uninspected {", "type filter hook prerouting priority raw; policy accept;",
          "type filter hook forward priority raw; policy accept;",
          "meta mark & 0x0fff0000 == 0x0fff0000 meta mark set meta mark & 0xfffeffff | 0x0ffe0000",
          "elements = { 0x00010000 }", "meta mark & 0x0fff0000 == @endpoint_marks notrack",
          "meta mark & 0x0fff0000 == { 0x0ffe0000, 0x0fff0000 } counter name \"uninspected\" drop",
          R"(iifname "eth0" meta mark & 0x0fff0000 != @endpoint_marks counter name "uninspected" drop)",
          R"(iifname "eth1" meta mark & 0x0fff0000 != @endpoint_marks counter name "uninspected" drop)"}) {
        INFO(table);
        CHECK(contains(table, line));
    }
    const Lines rules = {"100: from all fwmark 0xfff0000/0xfff0000 iif eth0 blackhole proto 199",
                         "100: from all fwmark 0xfff0000/0xfff0000 iif eth1 blackhole proto 199",
                         "110: from all fwmark 0x10000/0xfff0000 lookup 77 proto 199",
                         "111: from all fwmark 0x10000/0xfff0000 unreachable proto 199",
                         "112: from all fwmark 0x8000000/0xc000000 unreachable proto 199"};
    CHECK(node.rules("-4") == rules);
    CHECK(node.rules("-6") == rules);
    for (const std::string name : {"eth0", "eth1"}) {
        const auto conf = "net/ipv4/conf/" + name;
        CHECK(node.sysctl(conf + "/rp_filter") == "2");
        CHECK(node.sysctl(conf + "/src_valid_mark") == "1");
        CHECK(node.sysctl(conf + "/send_redirects") == "0");
        CHECK(node.has_clsact(name));
        const auto *filter = node.filter(name);
        REQUIRE(filter);
        CHECK(filter->mark_mask == 0x0fff0000);
        CHECK(filter->maps->ports == Lines{"eth0", "eth1"});
    }
    CHECK(node.sysctl("net/ipv4/conf/all/send_redirects") == "0");
    CHECK(node.sysctl("net/ipv4/fwmark_reflect") == "1");
    CHECK(node.sysctl("net/ipv6/fwmark_reflect") == "1");
    CHECK_FALSE(node.has_clsact("peer-eth0"));
    CHECK(node.programs.pinned.count(node.paths.pins) == 1);
}

TEST_CASE("guard install: table, rules and ports are in place before the first filter") {
    need_root();
    GuardedNode node;
    NodeGuard guard(node);
    std::vector<std::string> table, rules;
    std::vector<bool> clsact;
    node.programs.before = [&](const std::string &operation) {
        if (operation.rfind("put", 0) != 0)
            return;
        table.push_back(node.run("nft list tables"));
        rules.push_back(std::to_string(node.rules().size()));
        clsact.push_back(node.has_clsact("eth1"));
    };
    REQUIRE(guard.install(node.plan()));
    CHECK(node.programs.take() == Lines{"load 0xfff0000", "write 2", "put eth0", "put eth1"});
    CHECK(table == Lines{"table inet glb\n", "table inet glb\n"});
    CHECK(rules == Lines{"2", "2"});
    CHECK(clsact == std::vector<bool>{false, true});
}

TEST_CASE("guard install: a second time with the same plan changes nothing and replaces no filter") {
    need_root();
    GuardedNode node;
    NodeGuard guard(node);
    REQUIRE(guard.install(node.plan()));
    const auto state = node.state();
    (void)node.programs.take();
    REQUIRE(guard.install(node.plan()));
    CHECK(node.state() == state);
    CHECK(node.programs.take() == Lines{"write 2"});
    CHECK(guard.repaired().empty());
}

TEST_CASE("guard install: a narrower plan removes rules, filter and created qdisc, and restores sysctls") {
    need_root();
    GuardedNode node;
    NodeGuard guard(node);
    SECTION("by the same guard") {
        REQUIRE(guard.install(node.plan({"eth0", "eth1"}, 77)));
        (void)node.programs.take();
        REQUIRE(guard.install(node.plan({"eth0"})));
        CHECK(node.programs.take() == Lines{"write 1", "remove eth1"});
    }
    SECTION("by the guard of another process") {
        REQUIRE(NodeGuard(node).install(node.plan({"eth0", "eth1"}, 77)));
        (void)node.programs.take();
        NodeGuard other(node);
        REQUIRE(other.install(node.plan({"eth0"})));
        CHECK(node.programs.take() == Lines{"load 0xfff0000", "write 1", "put eth0", "remove eth1"});
    }
    const Lines rules = {"100: from all fwmark 0xfff0000/0xfff0000 iif eth0 blackhole proto 199"};
    CHECK(node.rules("-4") == rules);
    CHECK(node.rules("-6") == rules);
    CHECK(contains(node.table(), "eth0"));
    CHECK_FALSE(contains(node.table(), "eth1"));
    CHECK(node.filter("eth0"));
    CHECK(node.has_clsact("eth0"));
    CHECK_FALSE(node.has_clsact("eth1"));
    CHECK(node.sysctl("net/ipv4/conf/eth1/rp_filter") == "1");
    CHECK(node.sysctl("net/ipv4/conf/eth1/src_valid_mark") == "0");
    CHECK(node.sysctl("net/ipv4/conf/eth1/send_redirects") == "1");
    CHECK(node.sysctl("net/ipv4/conf/eth0/rp_filter") == "2");
    CHECK(node.sysctl("net/ipv4/fwmark_reflect") == "1");
}

TEST_CASE("guard install: a qdisc that existed before, or that has other filters, stays") {
    need_root();
    GuardedNode node;
    NodeGuard guard(node);
    node.run("tc qdisc add dev eth1 clsact");
    const auto before = node.state();
    REQUIRE(guard.install(node.plan()));
    node.run("tc filter add dev eth0 egress prio 5 protocol all u32 match u32 0 0");
    SECTION("with a narrower plan") {
        auto plan = node.plan();
        plan.ports.clear();
        REQUIRE(guard.install(plan));
        CHECK(node.sysctl("net/ipv4/conf/eth0/rp_filter") == "0");
        CHECK(node.rules().empty());
    }
    SECTION("with remove()") {
        REQUIRE(guard.remove());
        CHECK(node.run("nft list ruleset").empty());
    }
    CHECK_FALSE(node.filter("eth0"));
    CHECK_FALSE(node.filter("eth1"));
    CHECK(node.has_clsact("eth0"));
    CHECK(node.has_clsact("eth1"));
    CHECK(contains(node.run("tc filter show dev eth0 egress"), "u32"));
    node.run("tc qdisc del dev eth0 clsact");
    REQUIRE(guard.remove());
    CHECK(node.state() == before);
}

TEST_CASE("guard install: interface without an index is guarded by rules, and by a filter once it exists") {
    need_root();
    GuardedNode node;
    NodeGuard guard(node);
    auto plan = node.plan({"eth0", "late"});
    REQUIRE(plan.ports[1].ifindex == 0);
    REQUIRE(guard.install(plan));
    CHECK(node.rules() ==
          Lines{"100: from all fwmark 0xfff0000/0xfff0000 iif eth0 blackhole proto 199",
                "100: from all fwmark 0xfff0000/0xfff0000 iif late [detached] blackhole proto 199"});
    CHECK(node.filter("eth0")->maps->ports == Lines{"eth0"});
    CHECK(guard.repaired().empty());

    node.add_interface("late");
    const auto repaired = guard.repaired();
    CHECK(std::count(repaired.begin(), repaired.end(), "tc filter on late") == 1);
    REQUIRE(node.filter("late"));
    CHECK(node.filter("late")->maps->ports == Lines{"eth0", "late"});
    CHECK(node.sysctl("net/ipv4/conf/late/rp_filter") == "2");
    CHECK(guard.repaired().empty());
    CHECK(guard.get().matches(node.plan({"eth0", "late"})));
}

TEST_CASE("guard install: another markMask uses new maps, keeps the magic and replaces filters in place") {
    need_root();
    GuardedNode node;
    auto plan = node.plan();
    plan.mark_mask = 0x0000ff00;
    NodeGuard first(node);
    REQUIRE(first.install(node.plan()));
    REQUIRE(first.set_magic(7));
    const auto old_maps = node.filter("eth0")->maps;
    (void)node.programs.take();
    SECTION("by the same guard") {
        REQUIRE(first.install(plan));
        CHECK(node.programs.take() ==
              Lines{"load 0xff00 fresh", "set_magic", "write 2", "put eth0", "put eth1"});
        CHECK(node.filter("eth0")->maps->magic == 7);
    }
    SECTION("by the guard of another process") {
        NodeGuard second(node);
        REQUIRE(second.install(plan));
        CHECK(node.programs.take() == Lines{"load 0xff00 fresh", "write 2", "put eth0", "put eth1"});
    }
    CHECK(node.filter("eth0")->mark_mask == 0xff00);
    CHECK(node.filter("eth1")->mark_mask == 0xff00);
    CHECK(node.filter("eth0")->maps != old_maps);
    CHECK(old_maps->ports == Lines{"eth0", "eth1"});
    CHECK(node.rules() == Lines{"100: from all fwmark 0xff00/0xff00 iif eth0 blackhole proto 199",
                                "100: from all fwmark 0xff00/0xff00 iif eth1 blackhole proto 199"});
    CHECK_FALSE(contains(node.table(), "0x0fff0000"));
}

TEST_CASE("guard install: with the same markMask another process uses the maps that are pinned") {
    need_root();
    GuardedNode node;
    REQUIRE(NodeGuard(node).install(node.plan()));
    const auto maps = node.filter("eth0")->maps;
    NodeGuard second(node);
    REQUIRE(second.install(node.plan()));
    CHECK(node.filter("eth0")->maps == maps);
    REQUIRE(second.set_magic(9));
    CHECK(maps->magic == 9);
}

TEST_CASE("guard install: a plan that check_guard_plan() rejects changes nothing") {
    need_root();
    GuardedNode node;
    NodeGuard guard(node);
    const auto before = node.state();
    auto plan = node.plan();
    plan.mark_mask = 0x1; // too few bits
    CHECK_FALSE(guard.install(plan));
    CHECK(node.state() == before);
    REQUIRE(guard.install(node.plan()));
    CHECK_FALSE(guard.install(plan));
    CHECK(guard.get().matches(node.plan()));
    CHECK(guard.repaired().empty());
}

TEST_CASE("guard: matches the plan of the last successful install, with the interfaces' present indexes") {
    need_root();
    GuardedNode node;
    NodeGuard guard(node);
    const auto plan = node.plan();
    CHECK_FALSE(guard.get().matches(plan));
    REQUIRE(guard.install(plan));
    CHECK(guard.get().matches(plan));
    CHECK_FALSE(guard.get().matches(node.plan({"eth0"})));

    node.run("ip link del eth1");
    node.add_interface("eth1");
    const auto changed = node.plan();
    REQUIRE_FALSE(changed == plan);
    CHECK_FALSE(guard.get().matches(changed));
    CHECK_FALSE(guard.repaired().empty());
    CHECK(guard.get().matches(changed));

    node.programs.fail(1, "write");
    CHECK_FALSE(guard.install(changed));
    CHECK_FALSE(guard.get().matches(changed));
    REQUIRE(guard.install(changed));
    CHECK(guard.get().matches(changed));
    REQUIRE(guard.remove());
    CHECK_FALSE(guard.get().matches(changed));
}

TEST_CASE("guard: magic can be set only while the guard is installed") {
    need_root();
    GuardedNode node;
    NodeGuard guard(node);
    CHECK_FALSE(guard.set_magic(7));
    REQUIRE(guard.install(node.plan()));
    CHECK(node.filter("eth0")->maps->magic == 0);
    REQUIRE(guard.set_magic(7));
    CHECK(node.filter("eth0")->maps->magic == 7);
    REQUIRE(guard.remove());
    CHECK_FALSE(guard.set_magic(8));
}

TEST_CASE("guard install: a table of the bridge family for a port of a bridge, as long as a plan has one") {
    need_root();
    GuardedNode node;
    node.run("ip link add br0 type bridge; ip link set eth0 master br0");
    NodeGuard guard(node);
    auto bridged = node.plan();
    bridged.ports[0].devices = {"eth0", "br0"};
    bridged.ports[0].bridges = {"br0"};
    REQUIRE(guard.install(bridged));
    const auto table = node.run("nft -s list table bridge glb");
    for (const std::string line :
         {"type filter hook prerouting priority -1; policy accept;",
          "type filter hook forward priority -2; policy accept;",
          R"(iifname != { "eth0", "eth1" } meta mark & 0x0fff0000 == 0x00000000)",
          R"(iifname { "eth0", "eth1" } meta mark & 0x0fff0000 == { 0x00000000, 0x0ffe0000, 0x0fff0000 })"}) {
        INFO(table);
        CHECK(contains(table, line));
    }
    CHECK(contains(
        node.table(),
        R"(iifname "br0" meta mark & 0x0fff0000 != @endpoint_marks meta mark & 0x0fff0000 != { 0x0ffb0000, 0x0ffd0000 })"));
    CHECK(guard.check().conditions.empty());
    CHECK(guard.repaired().empty());
    node.run("nft 'flush chain bridge glb forward; delete chain bridge glb forward; "
             "add chain bridge glb forward { type filter hook forward priority 7; }'");
    CHECK(guard.repaired() == Lines{"nftables table bridge glb"});
    CHECK(contains(node.run("nft -s list table bridge glb"), "type filter hook forward priority -2;"));

    SECTION("a plan without bridges") {
        REQUIRE(guard.install(node.plan()));
        CHECK(node.run("nft list tables") == "table inet glb\n");
    }
    SECTION("a mask without bits for it: nothing that enters by the bridge passes, which is said") {
        bridged.mark_mask = 0xf;
        REQUIRE(guard.install(bridged));
        CHECK(node.run("nft list tables") == "table inet glb\n");
        const auto conditions = guard.check().conditions;
        REQUIRE(conditions.size() == 1);
        CHECK(conditions[0].what == "bridge-blocked");
        CHECK(conditions[0].where == "br0");
    }
    SECTION("removed") {
        REQUIRE(guard.remove());
        CHECK(node.run("nft list ruleset").empty());
    }
}
