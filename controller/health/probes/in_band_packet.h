// Packet format of in-band probes, and the sockets that send them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "controller/util/address.h"
#include "controller/util/fd.h"
#include "controller/util/result.h"

namespace glb::health {

/// The inner packet, which the appliance routes or reflects: UDP over IPv4.
struct InBandInner {
    IpAddress source;
    IpAddress destination;
    std::uint16_t port = 7; ///< destination port; the source port is in_band_source_port

    bool operator==(const InBandInner &) const = default;
};

inline constexpr std::uint16_t in_band_source_port = 49152;
inline constexpr std::size_t in_band_geneve_bytes =
    40; ///< header and the three options (wire format of AWS's GWLB)
inline constexpr std::size_t in_band_bytes = in_band_geneve_bytes + 20 + 8 + 16;

/// The payload of the outer UDP datagram: GENEVE of GLB_IN_BAND_ENDPOINT, attachment 0, cookie 0; IPv4 (RFC
/// 791); UDP with its checksum (RFC 768); struct glb_in_band.
[[nodiscard]] std::array<std::uint8_t, in_band_bytes> in_band_packet(const InBandInner &inner,
                                                                     std::uint64_t nonce);

/// A UDP socket at `source`, on a random port of the entropy range (0xC000 to 0xFFFF): no checksum, DF set,
/// as the data path sends. It receives nothing.
[[nodiscard]] Result<Fd> open_in_band_socket(const IpAddress &source);

[[nodiscard]] Status send_in_band(const Fd &socket, const IpAddress &target, std::uint16_t port,
                                  const InBandInner &inner, std::uint64_t nonce);

/// Unpredictable.
[[nodiscard]] std::uint64_t random_nonce();

} // namespace glb::health
