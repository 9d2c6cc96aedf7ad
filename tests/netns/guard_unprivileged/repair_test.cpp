// check_and_repair(): each change by another program is reverted and reported once; what is not the guard's is
// left alone.
#include <algorithm>
#include <sstream>

#include <catch2/catch.hpp>

#include "controller/guard/nftables.h"
#include "tests/harness/skip.h"
#include "tests/netns/guard_unprivileged/guarded_node.h"

using namespace glb;
using namespace glb::test;

namespace {

struct Damage {
    std::string command;
    Lines repaired;
};

const std::string blackhole = "100: iif eth0 fwmark 0xfff0000/0xfff0000 blackhole";
const std::string filter_of_other = "tc filter replace dev eth0 ingress prio 1 protocol all handle 0x676c62 "
                                    "bpf bytecode '1,6 0 0 4294967295'";

/// A table with nothing but the counter.
void set_counter(const GuardedNode &node, int packets) {
    node.run(fmt::format("nft delete table inet glb; nft 'add table inet glb; "
                         "add counter inet glb uninspected {{ packets {} bytes {} }}'",
                         packets, packets * 100));
}

} // namespace

TEST_CASE("guard check: nothing is reported, written or replaced if nothing was changed") {
    need_root();
    GuardedNode node;
    NodeGuard guard(node);
    CHECK(guard.repaired().empty()); // before the first install()
    CHECK(node.run("nft list ruleset").empty());
    REQUIRE(guard.install(node.plan()));
    const auto state = node.state();
    (void)node.programs.take();
    for (int i = 0; i < 3; ++i) {
        const auto report = guard.check();
        CHECK(report.repaired.empty());
        CHECK(report.conditions.empty());
    }
    CHECK(node.programs.take().empty());
    CHECK(node.state() == state);
}

TEST_CASE("guard check: each changed part is restored and reported once") {
    need_root();
    GuardedNode node;
    NodeGuard guard(node);
    REQUIRE(guard.install(node.plan({"eth0", "eth1"}, 77)));
    const auto state = node.state();
    const std::vector<Damage> damages = {
        {"nft flush ruleset", {"nftables table inet glb"}},
        {"nft flush chain inet glb forward", {"nftables table inet glb"}},
        {"nft flush chain inet glb prerouting", {"nftables table inet glb"}},
        {"nft flush chain inet glb routing", {"nftables table inet glb"}},
        {"nft insert rule inet glb forward accept", {"nftables table inet glb"}},
        {"nft 'add chain inet glb forward { policy drop; }'", {"nftables table inet glb"}},
        {"ip rule del priority 100 iif eth0", {"ip rule " + blackhole}},
        {"ip -6 rule del priority 100 iif eth0", {"IPv6 ip rule " + blackhole}},
        {"ip rule del priority 110; ip rule del priority 111",
         {"ip rule 110: fwmark 0x10000/0xfff0000 lookup 77",
          "ip rule 111: fwmark 0x10000/0xfff0000 unreachable"}},
        {"ip rule del priority 112", {"ip rule 112: fwmark 0x8000000/0xc000000 unreachable"}},
        {"echo 1 > /proc/sys/net/ipv4/conf/eth0/rp_filter", {"sysctl net/ipv4/conf/eth0/rp_filter"}},
        {"echo 1 > /proc/sys/net/ipv4/conf/all/send_redirects", {"sysctl net/ipv4/conf/all/send_redirects"}},
        {"echo 0 > /proc/sys/net/ipv6/fwmark_reflect", {"sysctl net/ipv6/fwmark_reflect"}},
        {"tc filter del dev eth0 ingress", {"tc filter on eth0"}},
        {"tc qdisc del dev eth1 clsact", {"tc filter on eth1"}},
        {filter_of_other, {"tc filter on eth0"}},
    };
    for (const auto &damage : damages) {
        INFO(damage.command);
        node.run(damage.command);
        REQUIRE(node.state() != state);
        CHECK(guard.repaired() == damage.repaired);
        CHECK(node.state() == state);
        CHECK(guard.repaired().empty());
    }

    Lines all;
    for (const auto &damage : {damages[0], damages[6], damages[10], damages[12], damages[13]}) {
        node.run(damage.command);
        all.insert(all.end(), damage.repaired.begin(), damage.repaired.end());
    }
    CHECK(guard.repaired() == all);
    CHECK(node.state() == state);
    CHECK(guard.repaired().empty());
}

TEST_CASE("guard check: filter of an older program of the guard is replaced in place") {
    need_root();
    GuardedNode node;
    NodeGuard first(node), second(node);
    REQUIRE(first.install(node.plan()));
    const auto *old = node.filter("eth0");
    REQUIRE(second.install(node.plan()));
    CHECK(node.filter("eth0") != old);
    (void)node.programs.take();
    CHECK(first.repaired() == Lines{"tc filter on eth0", "tc filter on eth1"});
    CHECK(node.filter("eth0") == old);
    CHECK(node.programs.take() == Lines{"put eth0", "put eth1"});
}

TEST_CASE("guard check: interface that was deleted and created again gets filter, port and sysctls") {
    need_root();
    GuardedNode node;
    NodeGuard guard(node);
    const auto before = node.state();
    REQUIRE(guard.install(node.plan()));
    node.run("ip link del eth1");
    CHECK(guard.repaired().empty()); // rules by name exist, and there is nothing to attach to
    CHECK(node.filter("eth0")->maps->ports == Lines{"eth0"});
    CHECK(guard.repaired().empty());

    node.add_interface("eth1");
    const auto conf = "net/ipv4/conf/eth1/";
    node.ns.sysctl(conf + std::string("rp_filter"), "0");
    node.ns.sysctl(conf + std::string("send_redirects"), "1");
    CHECK(guard.repaired() == Lines{"sysctl net/ipv4/conf/eth1/rp_filter",
                                    "sysctl net/ipv4/conf/eth1/send_redirects",
                                    "sysctl net/ipv4/conf/eth1/src_valid_mark", "tc filter on eth1"});
    REQUIRE(node.filter("eth1"));
    CHECK(node.filter("eth1")->maps->ports == Lines{"eth0", "eth1"});
    CHECK(guard.repaired().empty());

    REQUIRE(guard.remove());
    CHECK(node.state() == before); // the values of the first eth1
}

TEST_CASE("guard check: the count of blocked packets never decreases") {
    need_root();
    GuardedNode node;
    NodeGuard guard(node);
    CHECK(guard.uninspected() == 0);
    REQUIRE(guard.install(node.plan()));
    set_counter(node, 50);
    CHECK(guard.uninspected() == 50);
    CHECK(guard.check().counted.packets == 50);

    node.run("nft flush ruleset");
    CHECK(guard.uninspected() == 50);
    CHECK(guard.check().counted.bytes == 5000);
    CHECK(node.ns.call([] { return (*guard::read_uninspected_count())->packets; }) == 50); // in the new table

    set_counter(node, 60);
    NodeGuard other(node);
    CHECK(other.uninspected() == 60);
    REQUIRE(other.install(node.plan()));
    CHECK(other.uninspected() == 60);
}

TEST_CASE("guard check: blocked packets are counted on after the counter was reset") {
    need_root();
    GuardedNode node;
    NodeGuard guard(node);
    REQUIRE(guard.install(node.plan()));
    set_counter(node, 50);
    CHECK(guard.uninspected() == 50);
    set_counter(node, 20);
    CHECK(guard.uninspected() == 70);
    SECTION("with a check") {
        CHECK(guard.repaired() == Lines{"nftables table inet glb"});
    }
    SECTION("with an install") {
        REQUIRE(guard.install(node.plan()));
    }
    CHECK(guard.uninspected() == 70);
    CHECK(guard.check().counted.packets == 70);
    CHECK(guard.check().counted.bytes == 7000);
}

namespace {

Lines sorted_lines(const std::string &text) {
    Lines lines;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);)
        lines.push_back(line);
    std::ranges::sort(lines);
    return lines;
}

} // namespace

TEST_CASE("guard check: a chain with another priority or hook is replaced, and the count is kept") {
    need_root();
    GuardedNode node;
    NodeGuard guard(node);
    REQUIRE(guard.install(node.plan({"eth0", "eth1"}, 77)));
    set_counter(node, 50);
    (void)guard.check();
    const auto table = node.table();
    const std::string chain = GENERATE("forward { type filter hook forward priority 10; }",
                                       "routing { type filter hook postrouting priority 0; }", "prerouting");
    CAPTURE(chain);
    const auto name = chain.substr(0, chain.find(' '));
    node.run(fmt::format("nft 'flush chain inet glb {0}; delete chain inet glb {0}; add chain inet glb {1}'",
                         name, chain));
    const auto report = guard.check();
    CHECK(report.repaired == Lines{"nftables table inet glb"});
    CHECK(report.whole);
    CHECK(sorted_lines(node.table()) == sorted_lines(table)); // chains that were made anew come last
    CHECK(guard.uninspected() == 50);
}

TEST_CASE("guard check: each change of another program is notified, its own repair only once") {
    need_root();
    GuardedNode node;
    NodeGuard guard(node);
    REQUIRE(guard.install(node.plan()));
    (void)guard.is_notified();
    CHECK_FALSE(guard.is_notified());
    const std::string change =
        GENERATE("nft flush ruleset", "nft flush chain inet glb forward", "ip rule del priority 100 iif eth0",
                 "ip -6 rule del priority 100 iif eth0", "tc qdisc del dev eth0 clsact",
                 "tc filter del dev eth0 ingress");
    CAPTURE(change);
    node.run(change);
    CHECK(guard.is_notified());
    CHECK_FALSE(guard.repaired().empty());
    CHECK(guard.is_notified());
    CHECK(guard.repaired().empty());
    CHECK_FALSE(guard.is_notified());
}

TEST_CASE("guard check: changes of other tables and links are not notified") {
    need_root();
    GuardedNode node;
    NodeGuard guard(node);
    REQUIRE(guard.install(node.plan()));
    (void)guard.is_notified();
    node.run("nft 'add table ip host; add chain ip host c; add rule ip host c accept'; ip link add eth7 type "
             "veth");
    CHECK_FALSE(guard.is_notified());
}

TEST_CASE("guard check: a qdisc that an operator gave to an interface that was created again stays") {
    need_root();
    GuardedNode node;
    NodeGuard guard(node);
    REQUIRE(guard.install(node.plan()));
    node.run("ip link del eth1");
    (void)guard.check();
    node.add_interface("eth1");
    node.run("tc qdisc add dev eth1 clsact");
    (void)guard.check();
    REQUIRE(node.filter("eth1"));
    REQUIRE(guard.remove());
    CHECK(node.has_clsact("eth1"));
    CHECK_FALSE(node.has_clsact("eth0"));
}

TEST_CASE("guard: tables, rules and filters of others are kept by install, check and remove") {
    need_root();
    GuardedNode node;
    NodeGuard guard(node);
    node.run("nft 'add table inet other; add chain inet other in { type filter hook input priority 0; }'");
    node.run("tc qdisc add dev eth0 clsact");
    node.run("tc filter add dev eth0 ingress prio 5 protocol all u32 match u32 0 0");
    node.run("tc filter add dev eth0 egress prio 1 protocol all u32 match u32 0 0");
    // As the guard's but for the protocol or the priority.
    for (const std::string family : {"-4", "-6"}) {
        node.run("ip " + family + " rule add priority 100 fwmark 0x5 lookup 77");
        node.run("ip " + family + " rule add priority 150 fwmark 0x5 lookup 78 protocol 42");
        node.run("ip " + family + " rule add priority 300 fwmark 0x5 lookup 79 protocol 199");
    }
    const auto before = node.state();
    REQUIRE(guard.install(node.plan()));
    CHECK(node.rules().size() == 5);
    CHECK(guard.repaired().empty());
    node.run("nft delete table inet glb; ip rule del priority 100 iif eth0; tc filter del dev eth0 ingress "
             "prio 1");
    CHECK(guard.repaired() == Lines{"nftables table inet glb", "ip rule " + blackhole, "tc filter on eth0"});
    CHECK(guard.repaired().empty());
    REQUIRE(guard.install(node.plan({"eth1"})));
    REQUIRE(guard.remove());
    CHECK(node.state() == before);
}

TEST_CASE("guard: a rule of another program that equals a rule of the guard") {
    need_root();
    GuardedNode node;
    NodeGuard guard(node);
    node.run("ip rule add priority 100 fwmark 0xfff0000/0xfff0000 iif eth0 blackhole");
    const auto before = node.state();
    REQUIRE(guard.install(node.plan()));
    CHECK(guard.repaired().empty());
    REQUIRE(guard.remove());
    CHECK(node.state() == before);
}

TEST_CASE(
    "guard check: filter in front of the guard's, foreign rules and tables are warned of, not changed") {
    need_root();
    GuardedNode node;
    NodeGuard guard(node);
    REQUIRE(guard.install(node.plan()));
    node.run("tc filter add dev eth0 ingress prio 1 protocol all handle 1 bpf bytecode '1,6 0 0 0'");
    node.run("ip rule add priority 500 iif eth1 lookup 99");
    node.run("nft 'add table ip host; add chain ip host post { type nat hook postrouting priority 100; }'");
    const auto state = node.state();
    for (int i = 0; i < 2; ++i) {
        const auto report = guard.check();
        CHECK(report.repaired.empty());
        CHECK(report.conditions ==
              Conditions{{Severity::warning, "foreign-rule", "ip rule 500: iif eth1 lookup 99",
                          "a rule with iif is not applied to inspected packets", ""},
                         {Severity::warning, "foreign-filter", "eth0",
                          "another tc filter runs before the guard's: foreign (priority 1)", ""},
                         {Severity::warning, "foreign-nat", "chain post of table ip host",
                          "does NAT, but not of packets that the data path forwards itself", ""}});
    }
    CHECK(node.state() == state);
    node.run("ip rule del priority 500; nft delete table ip host; "
             "tc filter del dev eth0 ingress prio 1 protocol all handle 1 bpf");
    CHECK(guard.check().conditions.empty());
}
