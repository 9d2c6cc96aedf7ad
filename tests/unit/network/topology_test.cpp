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
    const auto text = [](const std::vector<IpAddress> &addresses) {
        std::vector<std::string> texts;
        for (const auto &address : addresses)
            texts.push_back(address.to_string());
        std::sort(texts.begin(), texts.end());
        return texts;
    };
    CHECK(text(local_addresses(snapshot, 2, {})) == std::vector<std::string>{"192.0.2.1", "192.0.2.5"});
    CHECK(text(local_addresses(snapshot, 2, {100})) == std::vector<std::string>{"198.51.100.1"});
    CHECK(text(local_addresses(snapshot, 7, {})) == std::vector<std::string>{"203.0.113.1"});
    CHECK(local_macs(snapshot, 2, {}).size() == 2);
    CHECK(local_addresses(snapshot, 2, {55}).empty());
}
