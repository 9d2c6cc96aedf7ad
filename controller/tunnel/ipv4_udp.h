// IPv4 (RFC 791) and UDP (RFC 768) headers, and their checksums (RFC 1071).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "controller/util/address.h"

namespace glb::tunnel {

struct UdpFlow {
    IpAddress source; ///< IPv4
    IpAddress destination;
    std::uint16_t source_port = 0;
    std::uint16_t destination_port = 0;
};

inline constexpr std::size_t ipv4_bytes = 20;
inline constexpr std::size_t ipv4_udp_bytes = ipv4_bytes + 8;

/// Writes both headers for a datagram of `payload` bytes: DF, TTL 64, DSCP and identification 0. Both
/// checksums are 0.
void write_ipv4_udp(std::span<std::uint8_t, ipv4_udp_bytes> to, const UdpFlow &flow, std::size_t payload);

/// Sum of the 16-bit words of `bytes` in memory order, unfolded; an odd last byte is padded with 0.
[[nodiscard]] std::uint32_t add_words(std::span<const std::uint8_t> bytes, std::uint32_t sum = 0);

/// Fills in the checksums of an IPv4 packet without options that carries UDP.
void set_checksums(std::span<std::uint8_t> packet);

} // namespace glb::tunnel
