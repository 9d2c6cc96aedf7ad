// A machine's network snapshot and a manifest on it, for tests of the plan.
#pragma once

#include <catch2/catch.hpp>

#include <linux/neighbour.h>
#include <string>
#include <vector>

#include "controller/config/manifest.h"
#include "controller/network/snapshot.h"
#include "controller/plan/index_allocator.h"

namespace glb::test {

using Names = std::vector<std::string>;

inline IpAddress ip(const char *text) {
    return *IpAddress::parse(text);
}

inline MacAddress mac(std::uint8_t last) {
    return {{2, 0, 0, 0, 0, last}};
}

/// eth0 (2), eth1 (3) with eth1.100 (4, 802.1ad) and eth1.100.7 (5), br0 (6) with port eth1.9 (7) on eth1.
inline network::Snapshot make_snapshot() {
    network::Snapshot snapshot;
    const auto add = [&](unsigned index, const char *name, unsigned lower = 0, std::uint16_t id = 0,
                         std::uint16_t protocol = 0) {
        network::Link link;
        link.index = index, link.name = name, link.mac = mac(static_cast<std::uint8_t>(index)),
        link.mtu = 1500;
        link.up = link.running = true;
        link.lower = lower, link.vlan_id = id, link.vlan_protocol = protocol, link.kind = id ? "vlan" : "";
        snapshot.links.push_back(link);
    };
    add(2, "eth0");
    add(3, "eth1");
    add(4, "eth1.100", 3, 100, 0x88a8);
    add(5, "eth1.100.7", 4, 7, 0x8100);
    add(6, "br0");
    snapshot.links.back().kind = "bridge";
    add(7, "eth1.9", 3, 9, 0x8100);
    snapshot.links.back().master = 6;
    snapshot.addresses = {{2, ip("192.0.2.1"), 24}, {4, ip("198.51.100.1"), 24}, {6, ip("203.0.113.1"), 24}};
    return snapshot;
}

/// Adds a neighbour; `last` 0: its MAC is unknown.
inline void add_neighbour(network::Snapshot &snapshot, unsigned ifindex, const char *address,
                          std::uint8_t last, std::uint16_t state = NUD_REACHABLE) {
    snapshot.neighbours.push_back({ifindex, ip(address), last ? mac(last) : MacAddress{}, state});
}

/// Tunnel on eth0, endpoint "web" on the given interfaces with route table 77, group "g".
struct PlanFixture {
    config::Manifest manifest;
    plan::IndexAllocator indexes;
    network::Snapshot snapshot = make_snapshot();

    explicit PlanFixture(const std::vector<InterfaceRef> &interfaces) {
        manifest.node.tunnel.interface = {"eth0", {}};
        manifest.node.tunnel.address = ip("192.0.2.1");
        config::TargetGroup group;
        group.name = "g";
        manifest.target_groups.push_back(group);
        config::Endpoint endpoint;
        endpoint.name = "web";
        endpoint.interfaces = interfaces;
        endpoint.target_group = "g";
        endpoint.route_table = 77;
        manifest.endpoints.push_back(endpoint);
        REQUIRE(indexes.claim(plan::IndexKind::group, "g"));
        REQUIRE(indexes.claim(plan::IndexKind::endpoint, "web"));
    }
};

} // namespace glb::test
