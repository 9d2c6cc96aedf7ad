// The guard without a data path: packets that the kernel would route past the appliances are dropped,
// whichever part of the guard is removed.
#include <catch2/catch.hpp>

#include <algorithm>
#include <filesystem>

#include "tests/harness/skip.h"
#include "tests/netns/guard/router.h"

using namespace glb;
using namespace glb::test;

TEST_CASE(
    "guard: forwarded packets are dropped and counted, the node responds, and remove() leaves nothing") {
    need_root();
    const Router router;
    REQUIRE(router.ping("198.51.100.2"));
    REQUIRE(router.ping("2001:db8:2::2"));
    const auto before = router.kernel_state();
    NodeGuard guard(router);
    guard.install(router.plan());
    CHECK_FALSE(router.passes());
    CHECK(guard.uninspected() >= 2);
    CHECK(router.ping("192.0.2.1"));
    CHECK(router.ping("2001:db8:1::1"));
    const Nginx nginx(router.node, {"80"}, 1000);
    CHECK(http_get(router.client, "http://192.0.2.1/file").code == 200);
    CHECK(guard.check().repaired.empty());
    guard.remove();
    CHECK(router.kernel_state() == before);
    CHECK(router.ping("198.51.100.2"));
    CHECK_FALSE(std::filesystem::exists(router.paths.state));
}

TEST_CASE("guard: after 'nft flush ruleset' the routing rules still drop, and the table is restored with its "
          "counter") {
    need_root();
    const Router router;
    NodeGuard guard(router);
    guard.install(router.plan());
    CHECK_FALSE(router.passes());
    CHECK(guard.check().repaired.empty());
    const auto counted = guard.uninspected();
    REQUIRE(counted >= 2);
    router.node.must({"nft", "flush", "ruleset"});
    CHECK_FALSE(router.passes());
    CHECK(guard.uninspected() == counted);
    CHECK(guard.check().repaired == std::vector<std::string>{"nftables table inet glb"});
    CHECK_FALSE(router.passes());
    CHECK(guard.uninspected() > counted);
}

TEST_CASE("guard: interface that was deleted and created again is guarded by name, after a check by filter") {
    need_root();
    const Router router;
    NodeGuard guard(router);
    guard.install(router.plan());
    router.node.must({"ip", "link", "del", "cli0"});
    router.wire_client();
    CHECK(router.ping("192.0.2.1"));
    CHECK_FALSE(router.passes());
    const auto report = guard.check();
    CHECK(std::count(report.repaired.begin(), report.repaired.end(), "tc filter on cli0") == 1);
    router.node.must({"nft", "flush", "ruleset"});
    CHECK_FALSE(router.passes());
}

TEST_CASE("guard: check restores each removed part") {
    need_root();
    const Router router;
    NodeGuard guard(router);
    guard.install(router.plan());
    router.node.must({"ip", "rule", "del", "priority", "100", "iif", "cli0"});
    router.node.must({"tc", "qdisc", "del", "dev", "srv0", "clsact"});
    router.node.sysctl("net/ipv4/conf/cli0/rp_filter", "1");
    CHECK(guard.check().repaired.size() == 3);
    CHECK(guard.check().repaired.empty());
    CHECK_FALSE(router.passes());
}

TEST_CASE("guard: whenDetached pass does not affect traffic") {
    need_root();
    const Router router;
    NodeGuard guard(router);
    guard.install(router.plan());
    CHECK_FALSE(router.passes());
    guard.install(router.plan(config::WhenDetached::pass));
    CHECK(router.ping("198.51.100.2"));
    CHECK(router.ping("2001:db8:2::2"));
}

TEST_CASE("guard: a new instance takes over the filters' maps and the counter") {
    need_root();
    const Router router;
    const auto before = router.kernel_state();
    std::uint64_t counted = 0;
    {
        NodeGuard first(router);
        first.install(router.plan());
        CHECK_FALSE(router.passes());
        counted = first.uninspected();
    }
    CHECK_FALSE(router.passes());
    NodeGuard second(router);
    second.install(router.plan());
    CHECK(second.uninspected() > counted);
    CHECK(second.check().repaired.empty());
    CHECK_FALSE(router.passes());
    second.remove();
    CHECK(router.kernel_state() == before);
}

TEST_CASE("guard: forwarding that is off is reported with a command and not changed") {
    need_root();
    const Router router;
    router.node.sysctl("net/ipv4/conf/cli0/forwarding", "0");
    NodeGuard guard(router);
    guard.install(router.plan());
    const auto missing = guard.missing_forwarding();
    REQUIRE(missing.size() == 1);
    CHECK(to_string(missing[0]) ==
          "net/ipv4/conf/cli0/forwarding: forwarding is off: the kernel does not forward these "
          "packets; fix: sysctl -w net/ipv4/conf/cli0/forwarding=1");
    CHECK(router.node.must({"cat", "/proc/sys/net/ipv4/conf/cli0/forwarding"}) == "0\n");
}

TEST_CASE("guard: foreign NAT and rules are reported and not changed") {
    need_root();
    const Router router;
    router.node.must(
        {"nft", "add table ip host; add chain ip host post { type nat hook postrouting priority 100; }"});
    router.node.must({"ip", "rule", "add", "iif", "cli0", "lookup", "99", "priority", "500"});
    const auto before = router.kernel_state();
    NodeGuard guard(router);
    guard.install(router.plan());
    const auto conditions = guard.check().conditions;
    const auto warns_of = [&](const std::string &what) {
        return std::any_of(conditions.begin(), conditions.end(), [&](const auto &condition) {
            return to_string(condition).find(what) != std::string::npos;
        });
    };
    CHECK(warns_of("chain post of table ip host: does NAT"));
    CHECK(warns_of("iif cli0"));
    guard.remove();
    CHECK(router.kernel_state() == before);
}

TEST_CASE("guard: a changed markMask replaces marks, rules and filters, also after a restart") {
    need_root();
    const Router router;
    auto plan = router.plan();
    const auto rules_of = [&](const std::string &mask) {
        const auto rules = router.node.must({"ip", "rule"});
        std::size_t found = 0;
        for (auto at = rules.find(mask); at != std::string::npos; at = rules.find(mask, at + 1))
            ++found;
        return found;
    };
    {
        NodeGuard guard(router);
        guard.install(plan);
        plan.mark_mask = 0x0000ff00;
        guard.install(plan);
        CHECK(guard.check().repaired.empty());
        CHECK_FALSE(router.passes());
        CHECK(rules_of("0xff00/0xff00") == 2);
        CHECK(rules_of("0xfff0000/0xfff0000") == 0);
    }
    plan.mark_mask = 0x000000ff;
    NodeGuard guard(router);
    guard.install(plan);
    CHECK(guard.check().repaired.empty());
    CHECK(rules_of("0xff/0xff") == 2);
    CHECK(rules_of("0xff00/0xff00") == 0);
    router.node.must({"nft", "flush", "ruleset"}); // only the filter's mark is left
    CHECK_FALSE(router.passes());
}
