#include <catch2/catch.hpp>

#include <algorithm>

#include <nlohmann/json.hpp>

#include "controller/network/topology.h"
#include "controller/plan/bank_plan.h"
#include "controller/plan/guard_plan.h"
#include "tests/unit/plan/plan_fixture.h"

using namespace glb;
using namespace glb::test;

namespace {

struct BankFixture : PlanFixture {
    using PlanFixture::PlanFixture;
    std::vector<plan::PlannedTarget> targets;
    std::map<IpAddress, network::ResolvedPath> paths;

    void add_target(std::uint16_t index, const char *address, std::uint16_t port = 6081) {
        targets.push_back({index, 0, ip(address), port});
    }
    plan::BankConfig bank() { return plan::plan_bank(manifest, indexes, snapshot, {}, targets, paths, {}); }
};

bool has(const plan::PortConfig &port, const char *prefix) {
    return std::find(port.addresses.begin(), port.addresses.end(), *IpPrefix::parse(prefix)) !=
           port.addresses.end();
}

} // namespace

TEST_CASE("bank plan: two-arm has one port for the tunnel and one for the endpoint", "[plan]") {
    BankFixture fixture({{"eth1", {100}}});
    fixture.manifest.node.own_addresses = {*IpPrefix::parse("198.51.100.128/25")};
    const auto bank = fixture.bank();
    REQUIRE(bank.ports.size() == 2);
    const auto &tunnel = bank.ports[0];
    CHECK(tunnel.ifindex == 2);
    CHECK(tunnel.tunnel);
    CHECK_FALSE(tunnel.endpoint);
    CHECK(has(tunnel, "192.0.2.1"));
    const auto &port = bank.ports[1];
    CHECK(port.ifindex == 3);
    CHECK(port.vlans == std::array<std::uint16_t, 2>{100, 0});
    CHECK(port.fib_ifindex == 4);
    CHECK(port.endpoint == 0);
    CHECK_FALSE(port.tunnel);
    CHECK(has(port, "198.51.100.1"));
    CHECK(has(port, "198.51.100.128/25"));
    CHECK_FALSE(has(port, "192.0.2.1"));
    REQUIRE(bank.endpoints.size() == 1);
    CHECK(bank.endpoints[0].route_table == 77);
}

TEST_CASE("bank plan: one-arm has one port with both roles, also in the guard plan", "[plan]") {
    BankFixture fixture({InterfaceRef{"eth0", {}}});
    const auto bank = fixture.bank();
    REQUIRE(bank.ports.size() == 1);
    CHECK(bank.ports[0].tunnel);
    CHECK(bank.ports[0].endpoint == 0);
    const auto plan = plan::plan_guard(fixture.manifest, fixture.indexes, fixture.snapshot, nullptr);
    REQUIRE(plan.ports.size() == 1);
    CHECK(plan.ports[0].is_guarded());
    CHECK(plan.ports[0].route_table == 77);
}

TEST_CASE("bank plan: a VLAN without a device uses the interface, a missing interface has no port",
          "[plan]") {
    BankFixture fixture({{"eth1", {55}}, {"eth9", {}}});
    const auto bank = fixture.bank();
    REQUIRE(bank.ports.size() == 2);
    CHECK(bank.ports[1].fib_ifindex == 3);
    CHECK(bank.ports[1].macs == std::vector<MacAddress>{mac(3)});
    const auto plan = plan::plan_guard(fixture.manifest, fixture.indexes, fixture.snapshot, nullptr);
    REQUIRE(plan.ports.size() == 3); // guarded before it exists
    for (const auto &port : plan.ports) {
        if (port.interface == "eth9") {
            CHECK(port.ifindex == 0);
            CHECK(port.devices == Names{"eth9"});
            CHECK(port.is_guarded());
        }
        if (port.interface == "eth1")
            CHECK(port.devices == Names{"eth1.55"}); // in case it is created later
        if (port.interface == "eth0")
            CHECK_FALSE(port.is_guarded());
    }
}

TEST_CASE("bank plan: a port that belongs to a bridge has the bridge's routes and addresses", "[plan]") {
    BankFixture fixture({{"eth1", {9}}});
    CHECK(network::kernel_device(fixture.snapshot, {"eth1", {9}}) == 6);
    CHECK(network::kernel_device(fixture.snapshot, {"eth1", {55}}) == 0);
    CHECK(network::kernel_device(fixture.snapshot, {"eth9", {}}) == 0);
    CHECK(has(fixture.bank().ports.at(1), "203.0.113.1"));
    CHECK(
        plan::plan_guard(fixture.manifest, fixture.indexes, fixture.snapshot, nullptr).ports.at(1).devices ==
        Names{"eth1.9", "br0"});
}

TEST_CASE("bank plan: targets with equal addresses share an id, ports are distinct, senders follow paths",
          "[plan]") {
    BankFixture fixture({InterfaceRef{"eth1", {}}});
    fixture.add_target(4, "192.0.2.11");
    fixture.add_target(5, "192.0.2.11", 7000);
    fixture.add_target(6, "192.0.2.12");
    fixture.add_target(7, "192.0.2.13");
    network::Path path;
    path.destination = mac(99);
    fixture.paths[ip("192.0.2.11")] = {path, true, ""};
    fixture.paths[ip("192.0.2.12")] = {std::nullopt, true, "not resolved"};
    fixture.paths[ip("192.0.2.13")] = {path, false, ""}; // behind a router
    auto bank = fixture.bank();
    REQUIRE(bank.targets.size() == 4);
    CHECK(bank.targets[0].address_id == bank.targets[1].address_id);
    CHECK(bank.targets[2].address_id != bank.targets[0].address_id);
    CHECK_FALSE(bank.targets[2].path);
    CHECK(bank.geneve_ports == std::vector<std::uint16_t>{6081, 7000});
    REQUIRE(bank.senders.size() == 2);
    CHECK(bank.senders[0].mac == mac(99));
    CHECK(bank.senders[0].address_id == bank.targets[0].address_id);
    CHECK_FALSE(bank.senders[1].mac);
    fixture.manifest.node.tunnel.sender_mac = config::SenderMac::any;
    bank = fixture.bank();
    REQUIRE(bank.senders.size() == 3);
    CHECK_FALSE(bank.senders[0].mac);
}

TEST_CASE("bank plan: source limits and passive checks are in their rows", "[plan]") {
    BankFixture fixture(std::vector<InterfaceRef>{{"eth1", {}}});
    auto bank = fixture.bank();
    CHECK(bank.endpoints.at(0).new_flows_per_second == 0);
    CHECK_FALSE(bank.groups.at(0).passive);
    fixture.manifest.endpoints[0].new_flows_per_source_per_second = 250;
    fixture.manifest.target_groups[0].health_check.passive.enabled = true;
    bank = fixture.bank();
    CHECK(bank.endpoints.at(0).new_flows_per_second == 250);
    CHECK(bank.groups.at(0).passive);
    const auto image = plan::build_bank(bank);
    REQUIRE(image);
    CHECK(image->endpoints.at(bank.endpoints[0].index).new_flows_per_second == 250);
    CHECK(image->groups.at(bank.groups[0].index).flags == GLB_GROUP_PASSIVE);
}

TEST_CASE("bank plan: the node's addresses are in the node's row, and its tunnel address is asked for",
          "[plan]") {
    BankFixture fixture(std::vector<InterfaceRef>{{"eth1", {}}});
    auto bank = fixture.bank();
    CHECK(bank.node_addresses == std::vector{ip("192.0.2.1"), ip("198.51.100.1"), ip("203.0.113.1")});
    CHECK(bank.has_tunnel_address);
    CHECK(has(bank.ports.at(0), "192.0.2.1"));
    CHECK(plan::build_bank(bank)->node.flags == 0);
    const bool is_down = GENERATE(true, false);
    if (is_down)
        fixture.snapshot.links.front().up = false;
    else
        fixture.snapshot.addresses.erase(fixture.snapshot.addresses.begin());
    bank = fixture.bank();
    CHECK_FALSE(bank.has_tunnel_address);
    CHECK_FALSE(has(bank.ports.at(0), "192.0.2.1")); // what goes to it is not passed to the stack
    CHECK(plan::build_bank(bank)->node.flags == GLB_NODE_NO_TUNNEL_ADDRESS);
}

TEST_CASE("bank plan: an endpoint has the largest MTU of its interfaces", "[plan]") {
    BankFixture fixture(std::vector<InterfaceRef>{{"eth1", {100}}, {"eth1", {9}}, {"eth9", {}}});
    const auto mtu = [&] { return plan::build_bank(fixture.bank())->endpoints.at(0).mtu; };
    CHECK(mtu() == 1500);
    const auto set = [&](const char *name, unsigned value) {
        for (auto &link : fixture.snapshot.links)
            if (link.name == name)
                link.mtu = value;
    };
    set("eth1", 9000); // the VLAN devices count
    set("eth1.9", 1400);
    CHECK(mtu() == 1500);
    set("eth1.9", 100000);
    CHECK(mtu() == 65535);
    fixture.manifest.endpoints[0].interfaces = {{"eth9", {}}};
    CHECK(mtu() == 65535); // not known
}

TEST_CASE("bank plan: an endpoint's port without any address steers", "[plan]") {
    BankFixture fixture(std::vector<InterfaceRef>{{"eth1", {}}});
    const auto bank = fixture.bank();
    REQUIRE(bank.ports.size() == 2);
    CHECK(bank.ports[1].addresses.empty());
    CHECK(bank.ports[1].endpoint == 0);
    CHECK(bank.ports[1].macs == std::vector{mac(3)});
}

TEST_CASE("bank plan: endpoints are punted while an IPsec policy may apply to their packets", "[plan]") {
    BankFixture fixture(std::vector<InterfaceRef>{{"eth1", {}}});
    const auto flags = [&] { return plan::build_bank(fixture.bank())->endpoints.at(0).flags; };
    CHECK(flags() == 0);
    network::XfrmPolicy policy;
    policy.direction = network::XfrmPolicy::Direction::out;
    policy.source = *IpPrefix::parse("192.0.2.1/32"); // of packets that the node itself sends
    policy.destination = *IpPrefix::parse("0.0.0.0/0");
    policy.has_templates = true;
    fixture.snapshot.xfrm_policies = {policy};
    CHECK(flags() == 0);
    policy.source = *IpPrefix::parse("192.0.2.0/24");
    fixture.snapshot.xfrm_policies.push_back(policy);
    CHECK(flags() == GLB_ENDPOINT_PUNT);
}

TEST_CASE("bank plan: routes with an MTU are in the bank", "[plan]") {
    BankFixture fixture(std::vector<InterfaceRef>{{"eth1", {}}});
    CHECK(plan::build_bank(fixture.bank())->node.route_scope == 0);
    fixture.snapshot.route_mtus = {{*IpPrefix::parse("198.51.100.0/24"), 1400}};
    const auto image = plan::build_bank(fixture.bank());
    REQUIRE(image->route_mtus.size() == 1);
    const auto &[key, mtu] = image->route_mtus[0];
    CHECK(key.scope == image->node.route_scope);
    CHECK(key.scope == plan::local_scope(0, plan::route_scope_row));
    CHECK(key.prefix_length == 32 + 96 + 24);
    CHECK(mtu == 1400);
}
