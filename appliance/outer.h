// Outer IPv4 and UDP headers of returned packets, and ECN propagation to the inner packet.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <span>

#include "appliance/bytes.h"
#include "appliance/flow_table.h"

namespace glb::appliance {

inline constexpr std::size_t outer_length = 20 + 8;
using OuterHeader = std::array<std::uint8_t, outer_length>;

inline constexpr std::uint8_t ecn_mask = 3, ecn_congested = 3;

/// The two ECN bits of an IP packet, which must have a header.
[[nodiscard]] inline std::uint8_t ecn_of(Bytes inner) {
    return static_cast<std::uint8_t>(inner[0] >> 4 == 4 ? inner[1] & ecn_mask : inner[1] >> 4 & ecn_mask);
}

/// Copies a congestion mark of the outer header to an ECN-capable inner packet (RFC 6040, 4.2). Other packets
/// are unchanged.
inline void propagate_ecn(std::span<std::uint8_t> inner, std::uint8_t outer_tos) {
    const auto ecn = ecn_of(inner);
    if ((outer_tos & ecn_mask) != ecn_congested || ecn == 0 || ecn == ecn_congested)
        return;
    if (inner[0] >> 4 == 6) {
        inner[1] |= ecn_congested << 4;
        return;
    }
    // RFC 1624, equation 3, for the word that changes by (congested - ecn).
    const auto sum = static_cast<std::uint16_t>(~load_be<std::uint16_t>(inner, 10));
    const std::uint32_t updated = std::uint32_t{sum} + ecn_congested - ecn;
    store_be(inner, 10, static_cast<std::uint16_t>(~((updated & 0xffff) + (updated >> 16))));
    inner[1] |= ecn_congested;
}

/// Writes the outer header for a GENEVE header and `inner`: swapped addresses, same ports, ECN of the inner
/// packet, DF, UDP checksum 0 (RFC 768: none). The kernel fills in the IP checksum (raw(7)).
inline void write_outer(OuterHeader &out, const ReturnPath &path, Bytes inner) {
    const auto udp_length = 8 + path.header_length + inner.size();
    out = {0x45, ecn_of(inner)};
    store_be(out, 2, static_cast<std::uint16_t>(20 + udp_length));
    out[6] = 0x40; // DF: packets that exceed the MTU are counted, not fragmented
    out[8] = 64;
    out[9] = 17;
    std::memcpy(&out[12], &path.local_address, 4);
    std::memcpy(&out[16], &path.node_address, 4);
    std::memcpy(&out[20], &path.entropy_port, 2);
    std::memcpy(&out[22], &path.port, 2);
    store_be(out, 24, static_cast<std::uint16_t>(udp_length));
}

} // namespace glb::appliance
