// Path: how the node sends a packet to a next hop.
#pragma once

#include <cstdint>
#include <vector>

#include "controller/util/address.h"

namespace glb::network {

struct VlanTag {
    std::uint16_t id = 0;
    std::uint16_t eth_proto = 0x8100; ///< host order

    bool operator==(const VlanTag &) const = default;
};

/// The Ethernet header towards a next hop, and the physical interface that sends it.
struct Path {
    std::uint32_t ifindex = 0;
    MacAddress source;
    MacAddress destination;
    std::vector<VlanTag> tags; ///< outermost first
    std::uint16_t mtu = 1500;  ///< of the IP packet that is sent
};

} // namespace glb::network
