// Stacked devices, read from the kernel: the port where their frames are received, and the local addresses
// there.
#include <catch2/catch.hpp>

#include <algorithm>

#include "controller/network/topology.h"
#include "tests/harness/skip.h"
#include "tests/netns/network/kernel.h"

using namespace glb;
using namespace glb::network;
using namespace glb::test;

namespace {

struct Machine {
    Namespace ns{"nt-stack"}, far{"nt-far"};
    Snapshot snapshot;
    bool has_vlan = false, has_vrf = false; ///< depends on the kernel's configuration

    Machine() {
        veth(ns, "eth0", far, "far0");
        veth(ns, "eth1", far, "far1");
        veth(ns, "eth2", far, "far2");
        REQUIRE(add({"mv0", "link", "eth0", "type", "macvlan", "mode", "bridge"}));
        REQUIRE(add({"br0", "type", "bridge"}));
        REQUIRE(add({"mvbr", "link", "br0", "type", "macvlan", "mode", "bridge"}));
        ns.must({"ip", "link", "set", "eth1", "master", "br0"});
        ns.address("eth0", "192.0.2.1/24");
        ns.address("mv0", "192.0.2.5/24");
        ns.address("br0", "203.0.113.1/24");
        ns.address("mvbr", "203.0.113.5/24");
        ns.address("eth2", "100.64.2.1/24");
        if (has_vlan = add({"eth0.100", "link", "eth0", "type", "vlan", "id", "100"}); has_vlan) {
            REQUIRE(add({"eth0.s", "link", "eth0", "type", "vlan", "id", "300", "protocol", "802.1ad"}));
            REQUIRE(add({"eth0.s.7", "link", "eth0.s", "type", "vlan", "id", "7"}));
            REQUIRE(add({"mv100", "link", "eth0.100", "type", "macvlan", "mode", "bridge"}));
            ns.address("eth0.100", "198.51.100.1/24");
            ns.address("mv100", "198.51.100.5/24");
            ns.address("eth0.s.7", "100.64.7.1/24");
        }
        if (has_vrf = add({"vrf0", "type", "vrf", "table", "10"}); has_vrf) {
            ns.must({"ip", "link", "set", "eth2", "master", "vrf0"});
            ns.address("vrf0", "100.64.99.1/32");
        }
        auto netlink = netlink_in(ns);
        snapshot = snapshot_of(netlink);
    }

    bool add(std::vector<std::string> argv) const {
        const auto name = argv.front();
        argv.insert(argv.begin(), {"ip", "link", "add"});
        if (ns.run(argv).code != 0)
            return false;
        ns.must({"ip", "link", "set", name, "up"});
        return true;
    }
    unsigned index(const char *name) const { return ns.ifindex(name); }
    std::optional<Port> port(const char *name) const { return resolve_port(snapshot, index(name)); }
    std::vector<unsigned> devices(const char *name, const std::vector<std::uint16_t> &vlans) const {
        return receiving_devices(snapshot, index(name), vlans);
    }
    /// IPv4 only, since the kernel chooses link-local IPv6 addresses.
    std::vector<std::string> addresses(const char *name, const std::vector<std::uint16_t> &vlans) const {
        std::vector<std::string> texts;
        for (const auto &address : local_addresses(snapshot, index(name), vlans))
            if (address.family == 4)
                texts.push_back(address.to_string());
        std::sort(texts.begin(), texts.end());
        return texts;
    }
};

using Texts = std::vector<std::string>;

} // namespace

TEST_CASE("topology: a stacked device resolves to the port that receives its frames", "[net]") {
    need_root();
    const Machine machine;
    const auto eth0 = machine.index("eth0"), eth1 = machine.index("eth1");
    CHECK(machine.port("eth0") ==
          Port{eth0, {}}); // a veth: the index of its peer belongs to another namespace
    CHECK(machine.port("mv0") == Port{eth0, {}});
    CHECK(machine.port("br0") == Port{eth1, {}});
    CHECK(machine.port("mvbr") == Port{eth1, {}});
    CHECK_FALSE(resolve_port(machine.snapshot, 99999));
}

TEST_CASE("topology: a bridge with two ports resolves to no port", "[net]") {
    need_root();
    Machine machine;
    machine.ns.must({"ip", "link", "set", "eth2", "master", "br0"});
    auto netlink = netlink_in(machine.ns);
    machine.snapshot = snapshot_of(netlink);
    CHECK_FALSE(machine.port("br0"));
    CHECK_FALSE(machine.port("mvbr"));
    CHECK(machine.port("eth2") == Port{machine.index("eth2"), {}});
}

TEST_CASE("topology: devices, addresses and MAC addresses above an interface", "[net]") {
    need_root();
    const Machine machine;
    CHECK(machine.devices("eth0", {}) == std::vector{machine.index("eth0"), machine.index("mv0")});
    CHECK(machine.devices("eth0", {200}).empty());
    CHECK(machine.devices("eth1", {}) ==
          std::vector{machine.index("eth1"), machine.index("br0"), machine.index("mvbr")});
    CHECK(machine.addresses("eth0", {}) == Texts{"192.0.2.1", "192.0.2.5"});
    CHECK(machine.addresses("eth1", {}) == Texts{"203.0.113.1", "203.0.113.5"});

    const auto macs = local_macs(machine.snapshot, machine.index("eth0"), {});
    CHECK(macs.size() == 2);
    CHECK(std::find(macs.begin(), macs.end(), machine.snapshot.link("mv0")->mac) != macs.end());
}

TEST_CASE("topology: stacked VLAN devices and macvlan devices on them", "[net]") {
    need_root();
    const Machine machine;
    if (!machine.has_vlan) {
        WARN("this kernel has no VLAN devices; unit_network tests them with synthetic data");
        return;
    }
    const auto eth0 = machine.index("eth0");
    CHECK(machine.port("eth0.100") == Port{eth0, {100}});
    CHECK(machine.port("eth0.s.7") == Port{eth0, {300, 7}});
    CHECK(machine.port("mv100") == Port{eth0, {100}});
    CHECK(machine.devices("eth0", {100}) == std::vector{machine.index("eth0.100"), machine.index("mv100")});
    CHECK(machine.devices("eth0", {300, 7}) == std::vector{machine.index("eth0.s.7")});
    CHECK(machine.addresses("eth0", {100}) == Texts{"198.51.100.1", "198.51.100.5"});
    CHECK(machine.addresses("eth0", {300, 7}) == Texts{"100.64.7.1"});
    CHECK(local_macs(machine.snapshot, eth0, {100}).size() == 2);
    const auto *outer = machine.snapshot.link("eth0.s");
    REQUIRE(outer);
    CHECK(outer->kind == "vlan");
    CHECK(outer->vlan_id == 300);
    CHECK(outer->vlan_protocol == 0x88a8);
    CHECK(outer->lower == eth0);
    CHECK(outer->lower_is_local);
}

TEST_CASE("topology: addresses of a VRF are local on its ports", "[net]") {
    need_root();
    const Machine machine;
    if (!machine.has_vrf) {
        WARN("this kernel has no VRFs");
        return;
    }
    CHECK(machine.devices("eth2", {}) == std::vector{machine.index("eth2"), machine.index("vrf0")});
    CHECK(machine.addresses("eth2", {}) == Texts{"100.64.2.1", "100.64.99.1"});
}

TEST_CASE("snapshot: attributes of each device are read from the kernel", "[net]") {
    need_root();
    const Machine machine;
    const auto *wire = machine.snapshot.link("eth0");
    REQUIRE(wire);
    CHECK(wire->kind == "veth");
    CHECK(wire->up);
    CHECK(wire->running);
    CHECK(wire->mtu == 1500);
    CHECK_FALSE(wire->lower_is_local);
    CHECK(machine.snapshot.link("eth1")->master == machine.index("br0"));
    const auto *macvlan = machine.snapshot.link("mv0");
    REQUIRE(macvlan);
    CHECK(macvlan->kind == "macvlan");
    CHECK(macvlan->lower == wire->index);
    CHECK(macvlan->lower_is_local);
    CHECK(macvlan->mac != wire->mac);
}
