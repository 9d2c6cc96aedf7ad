// Warnings of apply about settings of the machine that conflict with a valid manifest.
#include <algorithm>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "tests/harness/skip.h"
#include "tests/netns/guard/tcx.h"
#include "tests/netns/testbed/testbeds.h"

using namespace glb::test;
using namespace std::chrono_literals;

namespace {

using Commands = std::vector<std::vector<std::string>>;

struct WarningCase {
    std::string name;
    Commands provoke, revert;
    std::vector<std::string> lines; ///< the exact warnings of apply, in order
};

std::vector<std::string> shell(const std::string &text) {
    return {"sh", "-c", text};
}

WarningCase sysctl_case(const std::string &key, const std::string &hint = {}) {
    auto dotted = key;
    std::replace(dotted.begin(), dotted.end(), '/', '.');
    return {key,
            {shell("sysctl -qw " + dotted + "=0")},
            {shell("sysctl -qw " + dotted + "=1")},
            {fmt::format(
                "{0}: forwarding is off: the kernel does not forward these packets; fix: sysctl -w {0}=1{1}",
                key, hint)}};
}

std::vector<WarningCase> all_cases() {
    const std::string ra = " (and accept_ra=2 beside it where router advertisements are used)";
    std::vector<WarningCase> cases;
    for (const std::string device : {"cli0", "srv0", "under0"}) {
        cases.push_back(sysctl_case("net/ipv4/conf/" + device + "/forwarding"));
        cases.push_back(sysctl_case("net/ipv6/conf/" + device + "/forwarding", ra));
    }
    cases.push_back(
        {"tunnel MTU",
         {shell("ip link set under0 mtu 1567")},
         {shell("ip link set under0 mtu 1568")},
         {"/endpoints/0/interfaces/0: the tunnel's MTU, 1567 on under0, is below this interface's 1500 + "
          "68: its longest packets will be dropped (too_big); fix: ip link set under0 mtu 1568",
          "/endpoints/0/interfaces/1: the tunnel's MTU, 1567 on under0, is below this interface's 1500 + "
          "68: its longest packets will be dropped (too_big); fix: ip link set under0 mtu 1568"}});
    cases.push_back(
        {"NAT",
         {shell("nft 'table ip host { chain post { type nat hook postrouting priority srcnat; }; }'")},
         {shell("nft delete table ip host")},
         {"chain post of table ip host: does NAT, but not of packets that the data path forwards itself"}});
    cases.push_back(
        {"forward chain",
         {shell("nft 'table inet fw { chain onward { type filter hook forward priority 0; }; }'")},
         {shell("nft delete table inet fw")},
         {"chain onward of table inet fw: filters forwarded packets, but not those that the data path "
          "forwards itself"}});
    const std::string unlimited =
        "does not apply to packets that glb forwards; fix: limit or filter on another "
        "device, or at ingress";
    cases.push_back({"limit",
                     {shell("tc qdisc add dev srv0 root tbf rate 100mbit burst 100kb latency 50ms")},
                     {shell("tc qdisc del dev srv0 root")},
                     {"srv0: queueing discipline at egress (tbf) " + unlimited}});
    cases.push_back({"egress filter",
                     {shell("tc filter add dev under0 egress protocol ip u32 match u32 0 0 classid 1:1")},
                     {shell("tc filter del dev under0 egress")},
                     {"under0: filter at egress (u32) " + unlimited}});
    cases.push_back(
        {"nftables egress chain",
         {shell("nft 'table netdev fw { chain out { type filter hook egress device srv0 priority 0; }; }'")},
         {shell("nft delete table netdev fw")},
         {"srv0: filter at egress (nftables chain out of table netdev fw) " + unlimited}});
    cases.push_back(
        {"IPsec policy",
         {shell("ip xfrm policy add src 192.0.2.0/24 dst 198.51.100.0/24 dir fwd action block")},
         {shell("ip xfrm policy flush")},
         {"IPsec policy \"src 192.0.2.0/24 dst 198.51.100.0/24 dir fwd action block\" may apply to "
          "forwarded packets: the kernel forwards what was inspected, which is slower; fix: if it is for "
          "this machine's own packets: give it this machine's address as a selector"}});
    return cases;
}

} // namespace

TEST_CASE("warnings: apply reports each conflicting setting, and nothing on a correct machine") {
    need_root();
    const TwoArm testbed;
    Daemon glbd(testbed.node);
    glbd.start(testbed.manifest());
    const auto warnings = [&] {
        const auto answer = glbd.apply(testbed.manifest());
        INFO(answer.text << glbd.log());
        REQUIRE(answer.code == 0);
        return answer.document.at("warnings").get<std::vector<std::string>>();
    };
    CHECK(warnings().empty());
    for (const auto &one : all_cases()) {
        INFO(one.name);
        for (const auto &command : one.provoke)
            testbed.node.must(command);
        CHECK(warnings() == one.lines);
        for (const auto &command : one.revert)
            testbed.node.must(command);
    }
    CHECK(warnings().empty());
}

TEST_CASE("warnings: a filter or limit at egress that comes after apply is a condition until it is gone") {
    need_root();
    const TwoArm testbed;
    Daemon glbd(testbed.node);
    glbd.start(testbed.manifest());
    const auto has_condition = [&](const std::string &what, const std::string &kind) {
        const auto status = glbd.must_ctl({"status"});
        return std::ranges::any_of(status.at("degraded"), [&](const auto &row) {
            return row.at("what") == what && row.at("where") == "srv0" && row.at("severity") == "warning" &&
                   row.at("message").template get<std::string>().find("(" + kind + ")") != std::string::npos;
        });
    };
    const auto comes = [&](const std::string &what, const std::string &kind) {
        return eventually(5s, [&] { return has_condition(what, kind); });
    };
    const auto goes = [&](const std::string &what, const std::string &kind) {
        return eventually(5s, [&] { return !has_condition(what, kind); });
    };
    for (const std::string what : {"egress-filter", "egress-qdisc"})
        CHECK_FALSE(has_condition(what, ""));
    if (auto program = TcxProgram::attach(testbed.node, "srv0", TcxCode::next, "limit", TcxHook::egress)) {
        CHECK(comes("egress-filter", "tcx"));
        program.reset();
        CHECK(goes("egress-filter", "tcx"));
    } else {
        WARN("this kernel has no tcx");
    }
    const auto chain = "nftables chain out of table netdev fw";
    testbed.node.must(
        {"nft", "table netdev fw { chain out { type filter hook egress device srv0 priority 0; }; }"});
    CHECK(comes("egress-filter", chain));
    testbed.node.must({"nft", "delete", "table", "netdev", "fw"});
    CHECK(goes("egress-filter", chain));
    testbed.node.must({"tc", "qdisc", "add", "dev", "srv0", "root", "tbf", "rate", "100mbit", "burst",
                       "100kb", "latency", "50ms"});
    CHECK(comes("egress-qdisc", "tbf"));
    testbed.node.must({"tc", "qdisc", "replace", "dev", "srv0", "root", "pfifo"});
    CHECK(goes("egress-qdisc", "tbf"));
    CHECK_FALSE(has_condition("egress-qdisc", "pfifo"));
}

TEST_CASE("warnings: --dry-run and diff report missing forwarding settings without an active manifest") {
    need_root();
    const TwoArm testbed;
    Daemon glbd(testbed.node);
    glbd.start(); // without an active manifest
    const auto one = sysctl_case("net/ipv4/conf/cli0/forwarding");
    testbed.node.must(one.provoke.front());
    for (const auto &answer : {glbd.apply(testbed.manifest(), {"--dry-run"}),
                               glbd.ctl({"diff", (glbd.folder() / "manifest.json").string()})}) {
        INFO(answer.text);
        REQUIRE(answer.code == 0);
        CHECK(answer.document.at("warnings").get<std::vector<std::string>>() == one.lines);
    }
}

TEST_CASE("warnings: foreign rule by ingress interface is quoted, also on stderr of glbctl") {
    need_root();
    const TwoArm testbed;
    Daemon glbd(testbed.node);
    glbd.start();
    testbed.node.must({"ip", "rule", "add", "iif", "cli0", "lookup", "99", "priority", "500"});
    const auto answer = glbd.apply(testbed.manifest());
    INFO(answer.text << glbd.log());
    REQUIRE(answer.code == 0);
    const auto lines = answer.document.at("warnings").get<std::vector<std::string>>();
    REQUIRE(lines.size() == 1);
    CHECK(lines[0].ends_with(": a rule with iif is not applied to inspected packets"));
    CHECK(lines[0].find("iif cli0") != std::string::npos);
    CHECK(lines[0].find("99") != std::string::npos);
    CHECK(answer.text.find("warning: ip rule 500") != std::string::npos);
    // No warning about glbd's own rules and tables, and the foreign rule is not changed.
    CHECK(testbed.node.must({"ip", "rule"}).find("500:	from all iif cli0 lookup 99") != std::string::npos);
}
