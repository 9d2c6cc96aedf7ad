// What apply warns of: a machine that the manifest is right for, and that is not right for it.
#include <algorithm>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "tests/harness/skip.h"
#include "tests/netns/testbed/testbeds.h"

using namespace glb::test;
using namespace std::chrono_literals;

namespace {

using Commands = std::vector<std::vector<std::string>>;

struct Warned {
    std::string name;
    Commands provoke, mend;
    std::vector<std::string> lines; ///< each of apply's warnings, exactly, in its order
};

std::vector<std::string> words(const std::string &text) {
    return {"sh", "-c", text};
}

Warned sysctl_case(const std::string &key, const std::string &hint = {}) {
    auto dotted = key;
    std::replace(dotted.begin(), dotted.end(), '/', '.');
    return {key,
            {words("sysctl -qw " + dotted + "=0")},
            {words("sysctl -qw " + dotted + "=1")},
            {fmt::format("{0} is 0: sysctl -w {0}=1{1}", key, hint)}};
}

std::vector<Warned> all_cases() {
    const std::string ra = " (and accept_ra=2 beside it where router advertisements are used)";
    std::vector<Warned> cases;
    for (const std::string device : {"cli0", "srv0", "under0"}) {
        cases.push_back(sysctl_case("net/ipv4/conf/" + device + "/forwarding"));
        cases.push_back(sysctl_case("net/ipv6/conf/" + device + "/forwarding", ra));
    }
    cases.push_back(
        {"tunnel MTU",
         {words("ip link set under0 mtu 1567")},
         {words("ip link set under0 mtu 1568")},
         {"/endpoints/0/interfaces/0: the tunnel's MTU, 1567 on under0, is below this interface's 1500 + "
          "68: its longest packets will be dropped (too_big); mend: ip link set under0 mtu 1568",
          "/endpoints/0/interfaces/1: the tunnel's MTU, 1567 on under0, is below this interface's 1500 + "
          "68: its longest packets will be dropped (too_big); mend: ip link set under0 mtu 1568"}});
    cases.push_back(
        {"NAT",
         {words("nft 'table ip host { chain post { type nat hook postrouting priority srcnat; }; }'")},
         {words("nft delete table ip host")},
         {"chain post of table ip host does NAT: packets that the data path forwards itself are not "
          "translated"}});
    cases.push_back(
        {"forward chain",
         {words("nft 'table inet fw { chain onward { type filter hook forward priority 0; }; }'")},
         {words("nft delete table inet fw")},
         {"chain onward of table inet fw filters forwarded packets: it does not see those that the data "
          "path forwards itself"}});
    return cases;
}

} // namespace

TEST_CASE("warnings: apply names each thing that is wrong with the machine, and nothing on a machine that is "
          "right") {
    need_root();
    const TwoArm world;
    Daemon glbd(world.node);
    glbd.start(world.manifest());
    const auto warnings = [&] {
        const auto answer = glbd.apply(world.manifest());
        INFO(answer.text << glbd.log());
        REQUIRE(answer.code == 0);
        return answer.document.at("warnings").get<std::vector<std::string>>();
    };
    CHECK(warnings().empty());
    for (const auto &one : all_cases()) {
        INFO(one.name);
        for (const auto &command : one.provoke)
            world.node.must(command);
        CHECK(warnings() == one.lines);
        for (const auto &command : one.mend)
            world.node.must(command);
    }
    CHECK(warnings().empty());
}

TEST_CASE("warnings: what forwarding needs is told before anything is applied, too") {
    need_root();
    const TwoArm world;
    Daemon glbd(world.node);
    glbd.start(); // nothing is in force that could know it
    const auto one = sysctl_case("net/ipv4/conf/cli0/forwarding");
    world.node.must(one.provoke.front());
    for (const auto &answer : {glbd.apply(world.manifest(), {"--dry-run"}),
                               glbd.ctl({"diff", (glbd.folder() / "manifest.json").string()})}) {
        INFO(answer.text);
        REQUIRE(answer.code == 0);
        CHECK(answer.document.at("warnings").get<std::vector<std::string>>() == one.lines);
    }
}

TEST_CASE("warnings: a rule by ingress interface, in its own words; and on stderr of glbctl") {
    need_root();
    const TwoArm world;
    Daemon glbd(world.node);
    glbd.start();
    world.node.must({"ip", "rule", "add", "iif", "cli0", "lookup", "99", "priority", "500"});
    const auto answer = glbd.apply(world.manifest());
    INFO(answer.text << glbd.log());
    REQUIRE(answer.code == 0);
    const auto lines = answer.document.at("warnings").get<std::vector<std::string>>();
    REQUIRE(lines.size() == 1);
    CHECK(lines[0].starts_with("a rule by ingress interface does not match inspected packets: "));
    CHECK(lines[0].find("iif cli0") != std::string::npos);
    CHECK(lines[0].find("99") != std::string::npos);
    CHECK(answer.text.find("warning: a rule by ingress interface") != std::string::npos);
    // glbd's own rules and tables are nothing to warn of, and somebody's rule is left alone.
    CHECK(world.node.must({"ip", "rule"}).find("500:	from all iif cli0 lookup 99") != std::string::npos);
}
