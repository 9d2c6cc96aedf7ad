#include <catch2/catch.hpp>

#include <algorithm>
#include <string>

#include "controller/network/topology.h"

using namespace glb;
using namespace glb::network;

namespace {

/// eth0 (2) with eth0.100 (3), eth0.100.7 (4), macvlan mv0 (5) on eth0, bridge br0 (6) over eth1 (7).
Snapshot make_snapshot() {
    Snapshot snapshot;
    const auto add = [&](unsigned index, const char *name, std::uint8_t mac) -> Link & {
        Link link;
        link.index = index;
        link.name = name;
        link.mac.bytes = {2, 0, 0, 0, 0, mac};
        link.up = true;
        snapshot.links.push_back(link);
        return snapshot.links.back();
    };
    add(2, "eth0", 2);
    auto &tagged = add(3, "eth0.100", 2);
    tagged.kind = "vlan", tagged.lower = 2, tagged.vlan_id = 100, tagged.vlan_protocol = 0x8100;
    auto &stacked = add(4, "eth0.100.7", 2);
    stacked.kind = "vlan", stacked.lower = 3, stacked.vlan_id = 7, stacked.vlan_protocol = 0x8100;
    auto &macvlan = add(5, "mv0", 5);
    macvlan.kind = "macvlan", macvlan.lower = 2;
    add(6, "br0", 6).kind = "bridge";
    add(7, "eth1", 7).master = 6;
    const auto address = [&](unsigned ifindex, const char *text) {
        snapshot.addresses.push_back({ifindex, *IpAddress::parse(text), 24});
    };
    address(2, "192.0.2.1");
    address(3, "198.51.100.1");
    address(5, "192.0.2.5");
    address(6, "203.0.113.1");
    return snapshot;
}

std::vector<std::string> text(const std::vector<IpAddress> &addresses) {
    std::vector<std::string> texts;
    for (const auto &address : addresses)
        texts.push_back(address.to_string());
    std::sort(texts.begin(), texts.end());
    return texts;
}

Link &link(Snapshot &snapshot, unsigned index) {
    return *std::ranges::find_if(snapshot.links, [=](const Link &it) { return it.index == index; });
}

using Texts = std::vector<std::string>;

} // namespace

TEST_CASE("topology: devices resolve to their physical interface and VLANs", "[net]") {
    const auto snapshot = make_snapshot();
    CHECK(resolve_port(snapshot, 2) == Port{2, {}});
    CHECK(resolve_port(snapshot, 3) == Port{2, {100}});
    CHECK(resolve_port(snapshot, 4) == Port{2, {100, 7}});
    CHECK(resolve_port(snapshot, 5) == Port{2, {}});
    CHECK(resolve_port(snapshot, 6) == Port{7, {}});
    CHECK_FALSE(resolve_port(snapshot, 99));
}

TEST_CASE("topology: a loop of devices is rejected", "[net]") {
    auto snapshot = make_snapshot();
    for (auto &link : snapshot.links)
        if (link.index == 3)
            link.lower = 4;
    CHECK_FALSE(resolve_port(snapshot, 4));
}

TEST_CASE("topology: local addresses and MACs are those of the receiving devices", "[net]") {
    const auto snapshot = make_snapshot();
    CHECK(text(local_addresses(snapshot, 2, {})) == Texts{"192.0.2.1", "192.0.2.5"});
    CHECK(text(local_addresses(snapshot, 2, {100})) == Texts{"198.51.100.1"});
    CHECK(text(local_addresses(snapshot, 7, {})) == Texts{"203.0.113.1"});
    CHECK(local_macs(snapshot, 2, {}).size() == 2);
    CHECK(local_addresses(snapshot, 2, {55}).empty());
}

TEST_CASE("topology: a device that is down has no local addresses and MACs, nor has what is on it", "[net]") {
    auto snapshot = make_snapshot();
    SECTION("a VLAN device") {
        link(snapshot, 3).up = false;
        snapshot.addresses.push_back({4, *IpAddress::parse("198.51.100.7"), 24});
        CHECK(local_addresses(snapshot, 2, {100}).empty());
        CHECK(local_macs(snapshot, 2, {100}).empty());
        CHECK(local_addresses(snapshot, 2, {100, 7}).empty());
        CHECK(receiving_devices(snapshot, 2, {100}) == std::vector<unsigned>{3});
    }
    SECTION("a macvlan") {
        link(snapshot, 5).up = false;
        CHECK(text(local_addresses(snapshot, 2, {})) == Texts{"192.0.2.1"});
        CHECK(local_macs(snapshot, 2, {}) == std::vector{link(snapshot, 2).mac});
    }
    SECTION("a bridge and a macvlan on it") {
        snapshot.links.push_back(link(snapshot, 5));
        auto &above = snapshot.links.back();
        above.index = 8, above.lower = 6;
        snapshot.addresses.push_back({8, *IpAddress::parse("203.0.113.8"), 24});
        CHECK(text(local_addresses(snapshot, 7, {})) == Texts{"203.0.113.1", "203.0.113.8"});
        link(snapshot, 6).up = false;
        CHECK(local_addresses(snapshot, 7, {}).empty());
        CHECK(local_macs(snapshot, 7, {}) == std::vector{link(snapshot, 7).mac});
    }
}

TEST_CASE("topology: a bridge port's own addresses are not local, a VRF port's are", "[net]") {
    auto snapshot = make_snapshot();
    snapshot.addresses.push_back({7, *IpAddress::parse("203.0.113.7"), 24});
    link(snapshot, 6).kind = GENERATE("bridge", "bond", "vrf");
    const bool is_vrf = link(snapshot, 6).kind == "vrf";
    CHECK(text(local_addresses(snapshot, 7, {})) ==
          (is_vrf ? Texts{"203.0.113.1", "203.0.113.7"} : Texts{"203.0.113.1"}));
}

TEST_CASE("topology: the node's addresses are those of all interfaces and their broadcast addresses",
          "[net]") {
    auto snapshot = make_snapshot();
    const auto address = [&](const char *ip) { return *IpAddress::parse(ip); };
    for (const auto *ip : {"127.0.0.1", "::1", "fe80::1", "2001:db8::1", "10.0.0.1", "10.0.0.1"})
        snapshot.addresses.push_back({1, address(ip), 8});
    snapshot.addresses[0].broadcast = address("192.0.2.255");
    CHECK(text(node_addresses(snapshot)) == Texts{"10.0.0.1", "192.0.2.1", "192.0.2.255", "192.0.2.5",
                                                  "198.51.100.1", "2001:db8::1", "203.0.113.1"});
    CHECK(has_address(snapshot, address("192.0.2.1")));
    CHECK_FALSE(has_address(snapshot, address("192.0.2.255")));
    CHECK_FALSE(has_address(snapshot, address("10.0.0.1"))); // interface 1 is not known
    link(snapshot, 2).up = false;
    CHECK_FALSE(has_address(snapshot, address("192.0.2.1")));
    CHECK(text(node_addresses(snapshot)).size() == 7);
}
