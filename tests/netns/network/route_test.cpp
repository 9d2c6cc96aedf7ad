// Routing rules are added, listed and removed, and determine the kernel's route lookups.
#include <catch2/catch.hpp>

#include <algorithm>

#include "controller/network/route.h"
#include "lib/netlink/rules.h"
#include "tests/harness/skip.h"
#include "tests/netns/network/kernel.h"

using namespace glb;
using namespace glb::test;

namespace {

Rule rule_of(std::uint32_t priority, std::uint32_t mark, RuleAction action, std::uint32_t table = 0) {
    Rule rule;
    rule.priority = priority;
    rule.mark = mark;
    rule.mask = 0x0fff0000;
    rule.action = action;
    rule.table = table;
    return rule;
}

/// Two routes: by eth0 (192.0.2.0/24) in the main table and by eth1 (198.51.100.0/24) in table 77.
struct Router {
    Namespace ns{"nt-router"}, far{"nt-routed"};
    Netlink netlink = netlink_in(ns);

    Router() {
        veth(ns, "eth0", far, "far0");
        veth(ns, "eth1", far, "far1");
        ns.address("eth0", "192.0.2.1/24");
        ns.address("eth1", "198.51.100.1/24");
        ns.address("eth0", "2001:db8:1::1/64");
        ns.must({"ip", "route", "add", "203.0.113.0/24", "via", "192.0.2.254", "mtu", "1400"});
        ns.must({"ip", "route", "add", "203.0.113.0/24", "via", "198.51.100.254", "table", "77"});
    }

    std::vector<Rule> own_rules() {
        auto rules = must(list_rules(netlink));
        rules.erase(
            std::remove_if(rules.begin(), rules.end(), [](const Rule &rule) { return !rule.is_own(); }),
            rules.end());
        return rules;
    }
    Result<network::RouteAnswer> look_up(const char *to, std::uint32_t mark = 0, unsigned oif = 0) {
        return network::route_get(netlink,
                                  {.destination = ip(to), .source = std::nullopt, .mark = mark, .oif = oif});
    }
};

} // namespace

TEST_CASE("rules: a rule is listed once as it was added, in either family, and removed individually",
          "[net]") {
    need_root();
    Router router;
    CHECK(router.own_rules().empty());
    CHECK(must(list_rules(router.netlink)).size() >= 5); // local, main, default; of IPv6 local, main

    auto rule = rule_of(150, 0x30000, RuleAction::lookup, 77);
    rule.family = GENERATE(std::uint8_t{4}, std::uint8_t{6});
    SECTION("lookup by mark") {}
    SECTION("lookup by mark and interface") {
        rule.iif = "eth0";
    }
    SECTION("a table of more than 8 bits") {
        rule.table = 4'000'000'000u;
    }
    SECTION("blackhole") {
        rule = rule_of(150, 0x10000, RuleAction::blackhole);
    }
    REQUIRE(add_rule(router.netlink, rule));
    CHECK(router.own_rules() == std::vector{rule});
    REQUIRE(add_rule(router.netlink, rule)); // exists already: no error, no second rule
    CHECK(router.own_rules() == std::vector{rule});

    auto other = rule;
    other.priority = 151;
    REQUIRE(add_rule(router.netlink, other));
    CHECK(router.own_rules() == std::vector{rule, other});
    REQUIRE(remove_rule(router.netlink, rule));
    CHECK(router.own_rules() == std::vector{other});
    CHECK(remove_rule(router.netlink, rule)); // removed already: no error
    REQUIRE(remove_rule(router.netlink, other));
    CHECK(router.own_rules().empty());
}

TEST_CASE("rules: foreign rule is not listed as own and not removed in place of an own rule", "[net]") {
    need_root();
    Router router;
    router.ns.must({"ip", "rule", "add", "priority", "150", "fwmark", "0x30000/0xfff0000", "lookup", "77"});
    CHECK(router.own_rules().empty());
    const auto ours = rule_of(150, 0x30000, RuleAction::lookup, 77);
    REQUIRE(remove_rule(router.netlink, ours));
    CHECK(router.ns.must({"ip", "rule", "show", "priority", "150"}).find("lookup 77") != std::string::npos);
}

TEST_CASE("routes: lookup honours mark, device, rules and tables", "[net]") {
    need_root();
    Router router;
    const auto eth0 = router.ns.ifindex("eth0"), eth1 = router.ns.ifindex("eth1");
    REQUIRE(add_rule(router.netlink, rule_of(150, 0x30000, RuleAction::lookup, 77)));
    REQUIRE(add_rule(router.netlink, rule_of(151, 0x40000, RuleAction::blackhole)));

    auto answer = must(router.look_up("203.0.113.9"));
    CHECK(answer.oif == eth0);
    CHECK(answer.gateway == ip("192.0.2.254"));
    CHECK(answer.source == ip("192.0.2.1"));
    CHECK(answer.mtu == 1400);
    CHECK_FALSE(answer.local);
    CHECK(answer.next_hop(ip("203.0.113.9")) == ip("192.0.2.254"));

    answer = must(router.look_up("203.0.113.9", 0x30000));
    CHECK(answer.oif == eth1);
    CHECK(answer.gateway == ip("198.51.100.254"));
    CHECK(answer.mtu == 0);
    CHECK(must(router.look_up("203.0.113.9", 0xf0030000)).oif == eth1); // bits outside the mask are ignored
    CHECK(must(router.look_up("203.0.113.9", 0x50000)).oif == eth0);
    CHECK_FALSE(router.look_up("203.0.113.9", 0x40000));

    answer = must(router.look_up("198.51.100.20"));
    CHECK(answer.oif == eth1);
    CHECK_FALSE(answer.gateway);
    CHECK(answer.next_hop(ip("198.51.100.20")) == ip("198.51.100.20"));
    CHECK(must(router.look_up("192.0.2.1")).local);

    CHECK(must(router.look_up("203.0.113.9", 0, eth0)).oif == eth0);
    CHECK(must(router.look_up("203.0.113.9", 0x30000, eth1)).oif == eth1);
    CHECK(must(router.look_up("2001:db8:1::20")).oif == eth0);
}

TEST_CASE("routes: missing route is an error that names the address", "[net]") {
    need_root();
    Router router;
    const auto none = router.look_up("192.0.2.9", 0, 9999);
    CHECK_FALSE(none);
    const auto unreachable = router.look_up("100.64.0.1");
    REQUIRE_FALSE(unreachable);
    CHECK(unreachable.error().code == ENETUNREACH);
    CHECK(unreachable.error().message.find("100.64.0.1") != std::string::npos);
    CHECK_FALSE(router.look_up("2001:db8:77::1"));
}

TEST_CASE("routes: IPv4 route over an IPv6 next hop returns its address", "[net]") {
    need_root();
    Router router;
    router.ns.must({"ip", "route", "add", "100.64.0.0/10", "via", "inet6", "2001:db8:1::fe", "dev", "eth0"});
    const auto answer = must(router.look_up("100.64.0.1"));
    CHECK(answer.gateway == ip("2001:db8:1::fe"));
    CHECK(answer.oif == router.ns.ifindex("eth0"));
}
