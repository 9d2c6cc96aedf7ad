#include <catch2/catch.hpp>

#include "controller/plan/guard_bridges.h"
#include "tests/unit/plan/plan_fixture.h"

using namespace glb;
using namespace glb::plan;
using namespace glb::test;

namespace {

GuardedPort bridge_port(const std::string &interface, const Names &devices, const Names &bridges,
                        std::uint16_t endpoint = 0) {
    GuardedPort port;
    port.interface = interface;
    port.devices = devices;
    port.bridges = bridges;
    port.endpoint = endpoint;
    return port;
}

GuardPlan plan_of(std::vector<GuardedPort> ports, std::uint32_t mask = 0xff00) {
    GuardPlan plan;
    plan.mark_mask = mask;
    plan.ports = std::move(ports);
    return plan;
}

bool contains_text(const std::string &text, const std::string &part) {
    return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("guard bridges: their marks are neither the guard's nor a probe's nor an endpoint's") {
    CHECK(other_port_mark(0x0fff0000) == 0x0ffd0000);
    CHECK(bridged_mark(0x0fff0000) == 0x0ffb0000);
    CHECK(other_port_mark(0x80010111) == 0x80010101); // bits with gaps
    CHECK(bridged_mark(0x80010111) == 0x80010011);
    for (const std::uint32_t mask : {0x1fu, 0xff00u, 0x80010111u, 0xffffffffu}) {
        CHECK((other_port_mark(mask) & probe_mask(mask)) == probe_mask(mask));
        CHECK((bridged_mark(mask) & probe_mask(mask)) == probe_mask(mask));
    }
    auto plan = plan_of({bridge_port("eth0", {"eth0", "br0"}, {"br0"}, 25)}, 0x1f);
    CHECK(can_tell_ports(plan)); // 26: 11010
    CHECK(guarded_bridges(plan) == std::set<std::string>{"br0"});
    plan.ports[0].endpoint = 26; // 27: 11011
    CHECK_FALSE(can_tell_ports(plan));
    CHECK(guarded_bridges(plan).empty());
    CHECK_FALSE(can_tell_ports(plan_of({bridge_port("eth0", {"eth0", "br0"}, {"br0"})}, 0xf)));
}

TEST_CASE("guard bridges: a bridge above an endpoint's interface, not one that is the interface") {
    const auto snapshot = make_snapshot();
    CHECK(find_bridges({"eth1.9", "br0"}, snapshot) == Names{"br0"});
    CHECK(find_bridges({"br0"}, snapshot).empty());
    CHECK(find_bridges({"eth1", "eth0"}, snapshot).empty());          // any other device above
    CHECK(find_bridges({"eth1", "gone"}, snapshot) == Names{"gone"}); // known from before
    const auto above = bridge_port("eth1", {"eth1", "br0"}, {"br0"}),
               itself = bridge_port("br0", {"br0"}, {}, 1);
    CHECK(guarded_bridges(plan_of({above})) == std::set<std::string>{"br0"});
    CHECK(guarded_bridges(plan_of({above, itself})).empty());
    auto unguarded = above;
    unguarded.when_detached = config::WhenDetached::pass;
    CHECK(guarded_bridges(plan_of({unguarded})).empty());
}

TEST_CASE("guard bridges: the plan finds the bridge of a port, and a macvlan on it", "[plan]") {
    PlanFixture fixture({{"eth1", {9}}});
    network::Link macvlan;
    macvlan.index = 8, macvlan.name = "mv0", macvlan.kind = "macvlan", macvlan.lower = 6;
    fixture.snapshot.links.push_back(macvlan);
    const auto plan = plan_guard(fixture.manifest, fixture.indexes, fixture.snapshot, nullptr);
    CHECK(guarded_bridges(plan) == std::set<std::string>{"br0", "mv0"});
    CHECK(contains_text(bridge_ruleset(plan), "prerouting iifname != { \"eth1\", \"eth1.9\" } "));
}

TEST_CASE("guard bridges: the rulesets exempt what entered by other ports, and nothing else") {
    const auto plan =
        plan_of({bridge_port("eth0", {"eth0", "br0"}, {"br0"}), bridge_port("eth1", {"eth1"}, {}, 1)});
    const auto bridge = bridge_ruleset(plan), inet = guard_ruleset(plan, {});
    for (const auto *line :
         {"prerouting iifname != { \"eth0\", \"eth1\" } meta mark and 0x0000ff00 0x00000000 meta mark set "
          "meta mark and 0xffff00ff or 0x0000fd00\n",
          "forward iifname { \"eth0\", \"eth1\" } meta mark and 0x0000ff00 { 0x00000000, 0x0000ff00, "
          "0x0000fe00 } meta mark set meta mark and 0xffff00ff or 0x0000fb00\n",
          "postrouting meta mark and 0x0000ff00 0x0000fb00 meta mark set meta mark and 0xffff00ff or "
          "0x0000ff00\n",
          "postrouting meta mark and 0x0000ff00 0x0000fd00 meta mark set meta mark and 0xffff00ff or "
          "0x00000000\n"}) {
        INFO(bridge);
        CHECK(contains_text(bridge, line));
    }
    for (const auto *line :
         {"routing iifname \"br0\" meta mark and 0x0000ff00 != @endpoint_marks meta mark and 0x0000ff00 != { "
          "0x0000fd00 } meta",
          "routing iifname \"eth0\" meta mark and 0x0000ff00 != @endpoint_marks meta mark set",
          "forward iifname \"br0\" meta mark and 0x0000ff00 != @endpoint_marks meta mark and 0x0000ff00 != { "
          "0x0000fd00, 0x0000fb00 } counter",
          "forward iifname \"eth1\" meta mark and 0x0000ff00 != @endpoint_marks counter",
          "forward meta mark and 0x0000ff00 == 0x0000fd00 meta mark set meta mark and 0xffff00ff or "
          "0x00000000\n"}) {
        INFO(inet);
        CHECK(contains_text(inet, line));
    }
    const auto closed = guard_ruleset(plan_of({bridge_port("eth0", {"eth0", "br0"}, {"br0"})}, 0xf), {});
    CHECK(
        contains_text(closed, "forward iifname \"br0\" meta mark and 0x0000000f != @endpoint_marks counter"));
}
