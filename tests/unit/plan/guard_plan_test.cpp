#include <catch2/catch.hpp>

#include <algorithm>

#include <nlohmann/json.hpp>

#include "controller/plan/guard_plan.h"
#include "tests/unit/plan/plan_fixture.h"

using namespace glb;
using namespace glb::plan;
using namespace glb::test;

namespace {

GuardedPort port(const std::string &device, std::optional<std::uint16_t> endpoint, std::uint32_t table = 0) {
    GuardedPort port;
    port.interface = device;
    port.devices = {device};
    port.endpoint = endpoint;
    port.endpoint_name = "web";
    port.route_table = table;
    return port;
}

bool has(const std::string &text, const std::string &part) {
    return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("guard plan: an endpoint's mark is index + 1 in the bits of the mask") {
    CHECK(guard_mark(0x0fff0000) == 0x0fff0000);
    CHECK(guard_seen_mark(0x0fff0000) == 0x0ffe0000);
    CHECK(endpoint_mark(0x0fff0000, 0) == 0x00010000);
    CHECK(endpoint_mark(0x0fff0000, 255) == 0x01000000);
    CHECK(endpoint_mark(0x80000101, 2) == 0x00000101); // bits with gaps
    CHECK(endpoint_mark(0x80000101, 3) == 0x80000000);
    CHECK(endpoint_mark(0xffffffff, 0) == 1);
}

TEST_CASE("guard plan: the mask must hold 0, the guard's two marks and the endpoints' marks") {
    GuardPlan plan{0x3, {port("eth0", 0)}};
    CHECK(check_guard_plan(plan)); // 1 is the endpoint's, 2 and 3 the guard's
    plan.ports.push_back(port("eth1", 1));
    CHECK_FALSE(check_guard_plan(plan));
    plan.mark_mask = 0x7;
    CHECK(check_guard_plan(plan));
    plan.mark_mask = 0;
    CHECK_FALSE(check_guard_plan(plan));
    CHECK(check_guard_plan({0, {port("eth0", std::nullopt)}}));
}

TEST_CASE("guard plan: an endpoint with a route table has none of the two bits that a probe needs") {
    CHECK(probe_mark(0x0fff0000) == 0x08000000);
    CHECK(probe_mask(0x0fff0000) == 0x0c000000);
    CHECK((guard_mark(0x0fff0000) & probe_mask(0x0fff0000)) != probe_mark(0x0fff0000));
    CHECK((guard_seen_mark(0x0fff0000) & probe_mask(0x0fff0000)) != probe_mark(0x0fff0000));
    CHECK(check_guard_plan({0x1f, {port("eth0", 6, 77)}})); // 00111
    CHECK(check_guard_plan({0x1f, {port("eth0", 7, 0)}}));  // 01000, without a table
    CHECK_FALSE(check_guard_plan({0x1f, {port("eth0", 7, 77)}}));
    CHECK(check_guard_plan({0x0fff0000, {port("eth0", 255, 77)}}));
}

TEST_CASE("guard plan: one table per endpoint, and names that are valid in a rule") {
    CHECK_FALSE(check_guard_plan({0xff, {port("eth0", 0, 7), port("eth1", 0, 8)}}));
    CHECK(check_guard_plan({0xff, {port("eth0", 0, 7), port("eth1", 0, 7)}}));
    CHECK_FALSE(check_guard_plan({0xff, {port("eth0\" accept", 0)}}));
    CHECK_FALSE(check_guard_plan({0xff, {port("eth*", 0)}}));
}

TEST_CASE("guard ruleset: updates in place and never deletes the table or its counter") {
    const auto text =
        guard_ruleset({0xff00, {port("eth0", 0), port("eth1", 1), port("tun", std::nullopt)}}, {5, 700});
    CHECK_FALSE(has(text, "delete"));
    CHECK_FALSE(has(text, "flush table"));
    CHECK(has(text, "add counter inet glb uninspected { packets 5 bytes 700 }\n"));
    CHECK(has(text,
              "prerouting meta mark and 0x0000ff00 == 0x0000ff00 meta mark set meta mark and 0xffff00ff or "
              "0x0000fe00\n"));
    CHECK(has(text, "prerouting meta mark and 0x0000ff00  @endpoint_marks notrack\n"));
    CHECK(has(text, "flush set inet glb endpoint_marks\nadd element inet glb endpoint_marks { 0x00000100, "
                    "0x00000200 }\n"));
    CHECK(has(text, "forward iifname \"eth0\" meta mark and 0x0000ff00 != @endpoint_marks counter name "
                    "uninspected drop\n"));
    CHECK_FALSE(has(text, "\"tun\""));
}

TEST_CASE(
    "guard ruleset: before routing, packets of an endpoint's interface without its mark get the guard's") {
    CHECK(has(
        guard_ruleset({0xff00, {port("eth0", 0)}}, {}),
        "routing iifname \"eth0\" meta mark and 0x0000ff00 != @endpoint_marks meta mark set meta mark and "
        "0xffff00ff or 0x0000fe00\n"));
}

TEST_CASE("guard ruleset: endpoints with a route table are probed, if the kernel can") {
    const GuardPlan plan{0xff00, {port("eth0", 0, 77), port("eth1", 1)}};
    const std::string expected = "add rule inet glb routing meta mark and 0x0000ff00  { 0x00000100 } meta "
                                 "mark set meta mark or 0x00008000\n"
                                 "add rule inet glb routing meta mark and 0x0000c000 == 0x00008000 fib daddr "
                                 ". mark oif != 0 counter name "
                                 "uninspected drop\n"
                                 "add rule inet glb routing meta mark and 0x0000c000 == 0x00008000 meta mark "
                                 "set meta mark and 0xffff7fff\n";
    CHECK(has(guard_ruleset(plan, {}), expected));
    CHECK_FALSE(has(guard_ruleset(plan, {}, false), "fib"));
    CHECK_FALSE(has(guard_ruleset({0xff00, {port("eth1", 1)}}, {}), "fib"));
}

TEST_CASE("guard ruleset: whenDetached pass has no rule by interface name") {
    GuardPlan plan{0xff, {port("eth0", 0)}};
    plan.ports[0].when_detached = config::WhenDetached::pass;
    CHECK_FALSE(has(guard_ruleset(plan, {}), "iifname"));
    CHECK(has(guard_ruleset(plan, {}), "notrack"));
    CHECK(guard_routing_rules(plan).empty());
}

TEST_CASE("guard routing rules: a blackhole per device, look-up and unreachable per endpoint, a probe, both "
          "families") {
    const auto texts = [](const GuardPlan &plan, std::uint8_t family) {
        Names all;
        for (const auto &rule : guard_routing_rules(plan)) {
            CHECK(rule.is_own());
            if (rule.family == family)
                all.push_back(rule.to_string());
        }
        return all;
    };
    const GuardPlan with_table{0xff, {port("eth0", 0, 77), port("eth1", 0, 77)}};
    CHECK(texts(with_table, 4) ==
          Names{"ip rule 100: iif eth0 fwmark 0xff/0xff blackhole",
                "ip rule 100: iif eth1 fwmark 0xff/0xff blackhole", "ip rule 110: fwmark 0x1/0xff lookup 77",
                "ip rule 111: fwmark 0x1/0xff unreachable", "ip rule 112: fwmark 0x80/0xc0 unreachable"});
    CHECK(texts(with_table, 6).size() == 5);
    CHECK(texts({0xff, {port("eth0", 0)}}, 4).size() == 1); // the node's own rules apply
}

TEST_CASE("guard sysctls: interfaces and devices, distinct") {
    auto tagged = port("eth0", 0);
    tagged.devices = {"eth0.100"};
    const GuardPlan plan{0xff, {port("eth0", std::nullopt), tagged}};
    CHECK(guard_devices(plan) == std::vector<std::string>{"eth0", "eth0.100"});
    const auto list = guard_sysctls(plan);
    CHECK(list.size() == 9);
    CHECK(std::count(list.begin(), list.end(), Sysctl{"net/ipv4/conf/eth0.100/rp_filter", "2"}) == 1);
    CHECK(std::count(list.begin(), list.end(), Sysctl{"net/ipv4/conf/all/send_redirects", "0"}) == 1);
    CHECK(std::count(list.begin(), list.end(), Sysctl{"net/ipv6/fwmark_reflect", "1"}) == 1);
}

TEST_CASE("guard plan: ports that are known and not planned", "[plan]") {
    PlanFixture fixture({{"eth1", {9}}, {"eth1", {100, 7}}, {"eth1", {}}});
    const auto before = plan_guard(fixture.manifest, fixture.indexes, fixture.snapshot, nullptr);
    const auto known = known_devices(before);
    CHECK(unplanned_ports(before, fixture.snapshot, known).empty());
    CHECK(unplanned_ports(before, fixture.snapshot, nullptr).empty());
    fixture.manifest.endpoints[0].interfaces = {{"eth1", {9}}};
    const auto plan = plan_guard(fixture.manifest, fixture.indexes, fixture.snapshot, known);
    const auto ports = unplanned_ports(plan, fixture.snapshot, known);
    REQUIRE(ports.size() == 2);
    for (const auto &port : ports) {
        const auto found = std::ranges::find_if(before.ports, [&](const GuardedPort &row) {
            return row.interface == port.interface && row.vlans == port.vlans;
        });
        REQUIRE(found != before.ports.end());
        CHECK(port.devices == found->devices);
        CHECK(port.ifindex == found->ifindex);
        CHECK_FALSE(port.endpoint);
    }
    CHECK(ports[1].vlans == std::array<std::uint16_t, 2>{100, 7});
}

TEST_CASE("guard plan: includes the known devices of a missing interface", "[plan]") {
    PlanFixture fixture({{"eth1", {9}}, {"eth1", {100}}, {"eth1", {}}});
    std::erase_if(fixture.snapshot.links, [](const network::Link &link) { return link.name == "eth1.100"; });
    fixture.snapshot.links.push_back(fixture.snapshot.links.front());
    auto &uplink = fixture.snapshot.links.back(); // eth1.100 under another name
    uplink.index = 4, uplink.name = "uplink", uplink.lower = 3, uplink.vlan_id = 100,
    uplink.vlan_protocol = 0x8100;
    uplink.kind = "vlan";
    const auto first = plan_guard(fixture.manifest, fixture.indexes, fixture.snapshot, nullptr);
    for (const auto &port : first.ports)
        if (port.endpoint)
            CHECK(port.punt_device() == (port.vlans[0] == 9     ? "br0"
                                         : port.vlans[0] == 100 ? "uplink"
                                                                : "eth1"));
    const auto known = known_devices(first);
    CHECK(known.at("eth1/9") == Names{"eth1.9", "br0"});
    CHECK(known.at("eth1/100") == Names{"uplink"});

    std::erase_if(fixture.snapshot.links, [](const network::Link &link) { return link.index >= 3; });
    const auto later = plan_guard(fixture.manifest, fixture.indexes, fixture.snapshot, known);
    for (const auto &port : later.ports) {
        CHECK(port.ifindex == (port.interface == "eth0" ? 2 : 0));
        if (port.vlans[0] == 9)
            CHECK(port.devices == Names{"eth1.9", "br0"});
        if (port.vlans[0] == 100)
            CHECK(port.devices == Names{"eth1.100", "uplink"});
    }
    CHECK(known_devices(later).at("eth1/100") == Names{"eth1.100", "uplink"}); // also after the next start
}

TEST_CASE("guard plan: includes a known device that does not exist, although others do", "[plan]") {
    PlanFixture fixture({{"eth1", {9}}});
    const auto before = plan_guard(fixture.manifest, fixture.indexes, fixture.snapshot, nullptr);
    const auto known = known_devices(before);
    REQUIRE(known.at("eth1/9") == Names{"eth1.9", "br0"});
    std::erase_if(fixture.snapshot.links, [](const network::Link &link) { return link.name == "br0"; });
    for (auto &link : fixture.snapshot.links)
        if (link.name == "eth1.9")
            link.master = 0; // at boot it may be there before its bridge
    const auto plan = plan_guard(fixture.manifest, fixture.indexes, fixture.snapshot, known);
    CHECK(guarded_devices(plan) == std::set<std::string>{"br0", "eth1.9"});
    // One that exists and is not its bridge any more is somebody else's.
    network::Link other = fixture.snapshot.links.front();
    other.name = "br0", other.index = 99;
    fixture.snapshot.links.push_back(other);
    CHECK(guarded_devices(plan_guard(fixture.manifest, fixture.indexes, fixture.snapshot, known)) ==
          std::set<std::string>{"eth1.9"});
}
