#include "controller/plan/egress_plan.h"

#include <algorithm>
#include <arpa/inet.h>
#include <cstring>

#include "controller/network/topology.h"

namespace glb::plan {

std::map<std::uint32_t, glb_egress> plan_egress(const network::Snapshot &snapshot,
                                                const std::set<unsigned> &carriers) {
    std::map<std::uint32_t, glb_egress> rows;
    for (const auto &link : snapshot.links) {
        const auto port = network::resolve_port(snapshot, link.index);
        if (!port || !carriers.contains(port->ifindex))
            continue;
        const auto tags = network::vlan_tags(snapshot, link.index);
        if (tags.size() > 2)
            continue;
        glb_egress row{};
        row.ifindex = port->ifindex;
        row.mtu = static_cast<std::uint16_t>(std::min(link.mtu, 65535u));
        row.vlan_count = static_cast<std::uint16_t>(tags.size());
        for (std::size_t i = 0; i < tags.size(); ++i) {
            row.vlan_proto[i] = htons(tags[i].eth_proto);
            row.vlan_tci[i] = htons(tags[i].id);
        }
        rows.emplace(link.index, row);
    }
    return rows;
}

std::vector<std::pair<std::uint32_t, glb_next_hop>>
plan_next_hops(const network::Snapshot &snapshot, const std::map<std::uint32_t, glb_egress> &egress) {
    std::vector<std::pair<std::uint32_t, glb_next_hop>> next_hops;
    std::set<std::pair<unsigned, MacAddress>> seen;
    for (const auto &neighbour : snapshot.neighbours) {
        const auto row = egress.find(neighbour.ifindex);
        const auto *link = snapshot.link(neighbour.ifindex);
        if (row == egress.end() || !link || !neighbour.is_valid() || neighbour.mac.is_zero() ||
            !seen.emplace(neighbour.ifindex, neighbour.mac).second)
            continue;
        glb_next_hop next_hop{};
        std::memcpy(next_hop.destination, neighbour.mac.bytes.data(), sizeof next_hop.destination);
        std::memcpy(next_hop.source, link->mac.bytes.data(), sizeof next_hop.source);
        next_hop.egress = row->second;
        next_hops.emplace_back(neighbour.ifindex, next_hop);
    }
    return next_hops;
}

} // namespace glb::plan
