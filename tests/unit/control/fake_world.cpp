#include "tests/unit/control/fake_world.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <linux/neighbour.h>

namespace glb::test {

FakeWorld::FakeWorld() {
    const char *names[] = {"eth0", "eth1", "eth2"};
    for (unsigned i = 0; i < 3; ++i) {
        network::Link link;
        link.index = i + 2;
        link.name = names[i];
        link.mac = {{2, 0, 0, 0, 0, static_cast<std::uint8_t>(i + 2)}};
        link.mtu = i ? 1500 : 1600;
        link.up = link.running = true;
        network.links.push_back(link);
    }
    network.addresses = {{2, *IpAddress::parse("192.0.2.1"), 24}};
    for (std::uint8_t i = 10; i < 20; ++i)
        network.neighbours.push_back({2, *IpAddress::parse("192.0.2." + std::to_string(i)),
                                      MacAddress{{2, 0, 0, 0, 1, i}}, NUD_REACHABLE});
    offloads["eth1"] = {network::OffloadFeature::rx_vlan, network::OffloadFeature::gro};
}

void FakeWorld::check_invariants() const {
    const auto &active = older_maps ? older_maps : maps;
    if (!active || !active->bank)
        return;
    const auto &bank = *active->bank;
    for (const auto &port : bank.ports) {
        const auto ifindex = static_cast<unsigned>(port.key >> 32);
        if (!(port.flags & GLB_PORT_ENDPOINT) || !attached.contains(ifindex))
            continue;
        INFO("interface " << ifindex << " has an endpoint and is attached");
        REQUIRE(guard);
        CHECK(std::ranges::any_of(guard->ports, [&](const plan::GuardedPort &row) {
            return row.ifindex == ifindex && row.is_guarded();
        }));
    }
    for (std::size_t index = 0; index < bank.targets.size(); ++index) {
        if (bank.targets[index].destination == 0)
            continue;
        INFO("target " << index);
        CHECK(active->target_states.contains(static_cast<std::uint16_t>(index)));
        CHECK(!active->names[GLB_INDEX_NAMES_TARGETS + index].empty());
    }
    for (std::size_t index = 0; index < bank.groups.size(); ++index) {
        const auto &group = bank.groups[index];
        if (group.tcp_ticks == 0)
            continue;
        INFO("group " << index);
        CHECK(active->maglev.contains(group.table));
        CHECK(!active->names[GLB_INDEX_NAMES_GROUPS + index].empty());
    }
}

} // namespace glb::test
