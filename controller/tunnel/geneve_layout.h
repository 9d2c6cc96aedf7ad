// GeneveLayout: the GENEVE header (RFC 8926) that a family of appliances understands.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace glb::tunnel {

/// The base header and its options. Protocol type and metadata are 0. Offsets are in bytes from the base
/// header; the values there are in network order.
struct GeneveLayout {
    std::vector<std::uint8_t> header;
    std::size_t endpoint = 0;   ///< endpoint id, 8 bytes
    std::size_t attachment = 0; ///< attachment id, 8 bytes
    std::size_t cookie = 0;     ///< flow cookie, 4 bytes
};

inline constexpr std::size_t geneve_protocol_offset = 2;

/// AWS Gateway Load Balancer: option class 0x0108 with the types 1 to 3, none of them critical. 40 bytes.
[[nodiscard]] const GeneveLayout &aws_geneve();

} // namespace glb::tunnel
