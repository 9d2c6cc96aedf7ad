// Length and flow of an inner IP packet.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

#include "appliance/bytes.h"

namespace glb::appliance {

/// A flow: endpoint and canonical tuple, equal for both directions. IPv4 addresses fill the first 4 bytes.
/// ICMP echo has its identifier in both ports; protocols without ports have 0.
struct FlowKey {
    std::uint64_t endpoint = 0;
    std::array<std::uint8_t, 16> low_address{};
    std::array<std::uint8_t, 16> high_address{};
    std::uint16_t low_port = 0;
    std::uint16_t high_port = 0;
    std::uint16_t ip_version = 0;
    std::uint16_t ip_proto = 0;

    bool operator==(const FlowKey &) const = default;
};
static_assert(std::has_unique_object_representations_v<FlowKey>, "the key is hashed as bytes");

/// The length of the IP packet at the start of `bytes` from its header; nullopt: no complete packet. Bytes
/// after it are padding. Jumbograms (RFC 2675) are rejected.
[[nodiscard]] inline std::optional<std::size_t> ip_packet_length(Bytes bytes) {
    if (bytes.size() >= 20 && bytes[0] >> 4 == 4) {
        const std::size_t header_length = word_bytes(bytes[0] & 0x0fu);
        const std::size_t length = load_be<std::uint16_t>(bytes, 2);
        if (header_length >= 20 && length >= header_length && length <= bytes.size())
            return length;
    } else if (bytes.size() >= 40 && bytes[0] >> 4 == 6) {
        const std::size_t payload = load_be<std::uint16_t>(bytes, 4);
        if (payload != 0 && 40 + payload <= bytes.size())
            return 40 + payload;
        if (payload == 0 && bytes[6] == 59) // "no next header": a packet without payload
            return 40;
    }
    return std::nullopt;
}

namespace detail {

/// An IP header. `upper` may be empty or truncated, as in the quote of an ICMP error.
struct IpHeader {
    std::uint8_t version = 0;
    std::uint8_t ip_proto = 0;
    bool later_fragment = false;
    Bytes source, destination;
    Bytes upper;
};

[[nodiscard]] inline std::optional<IpHeader> parse_ipv4(Bytes packet) {
    const std::size_t header_length = word_bytes(packet[0] & 0x0fu);
    if (packet.size() < 20 || header_length < 20 || header_length > packet.size())
        return std::nullopt;
    const bool later_fragment = (load_be<std::uint16_t>(packet, 6) & 0x1fff) != 0;
    return IpHeader{4,
                    packet[9],
                    later_fragment,
                    packet.subspan(12, 4),
                    packet.subspan(16, 4),
                    packet.subspan(header_length)};
}

/// Skips at most eight extension headers. If one is truncated, `upper` is empty.
[[nodiscard]] inline std::optional<IpHeader> parse_ipv6(Bytes packet) {
    constexpr int max_extensions = 8;
    constexpr std::uint8_t hop_by_hop = 0, routing = 43, fragment = 44, destination_options = 60;
    if (packet.size() < 40)
        return std::nullopt;
    IpHeader ip{6, packet[6], false, packet.subspan(8, 16), packet.subspan(24, 16), packet.subspan(40)};
    for (int i = 0; i < max_extensions && !ip.later_fragment; ++i) {
        const bool is_fragment = ip.ip_proto == fragment;
        if (!is_fragment && ip.ip_proto != hop_by_hop && ip.ip_proto != routing &&
            ip.ip_proto != destination_options)
            break;
        const std::size_t length = is_fragment || ip.upper.size() < 2 ? 8 : (ip.upper[1] + 1u) * 8u;
        if (ip.upper.size() < length) {
            ip.upper = {};
            break;
        }
        ip.later_fragment = is_fragment && (load_be<std::uint16_t>(ip.upper, 2) & 0xfff8) != 0;
        ip.ip_proto = ip.upper[0];
        ip.upper = ip.upper.subspan(length);
    }
    return ip;
}

[[nodiscard]] inline std::optional<IpHeader> parse_ip(Bytes packet) {
    if (packet.empty())
        return std::nullopt;
    switch (packet[0] >> 4) {
    case 4:
        return parse_ipv4(packet);
    case 6:
        return parse_ipv6(packet);
    default:
        return std::nullopt;
    }
}

[[nodiscard]] constexpr bool has_ports(std::uint8_t ip_proto) {
    return ip_proto == 6 || ip_proto == 17 || ip_proto == 132 || ip_proto == 136;
}

[[nodiscard]] constexpr bool is_icmp(const IpHeader &ip) {
    return ip.version == 4 ? ip.ip_proto == 1 : ip.ip_proto == 58;
}

[[nodiscard]] constexpr bool is_echo(const IpHeader &ip, std::uint8_t icmp_type) {
    return ip.version == 4 ? icmp_type == 8 || icmp_type == 0 : icmp_type == 128 || icmp_type == 129;
}

/// Unreachable, redirect, time exceeded, parameter problem, and the four errors of RFC 4443. Not the ND
/// redirect, whose quote is in an option.
[[nodiscard]] constexpr bool is_error(const IpHeader &ip, std::uint8_t icmp_type) {
    return ip.version == 4 ? icmp_type == 3 || icmp_type == 5 || icmp_type == 11 || icmp_type == 12
                           : icmp_type >= 1 && icmp_type <= 4;
}

[[nodiscard]] inline FlowKey canonical_key(std::uint64_t endpoint, const IpHeader &ip, std::uint16_t source,
                                           std::uint16_t destination) {
    FlowKey key{.endpoint = endpoint,
                .low_port = source,
                .high_port = destination,
                .ip_version = ip.version,
                .ip_proto = ip.ip_proto};
    std::ranges::copy(ip.source, key.low_address.begin());
    std::ranges::copy(ip.destination, key.high_address.begin());
    if (std::tie(key.low_address, key.low_port) > std::tie(key.high_address, key.high_port)) {
        std::swap(key.low_address, key.high_address);
        std::swap(key.low_port, key.high_port);
    }
    return key;
}

} // namespace detail

/// The flow of an IP packet. ICMP errors belong to the quoted flow; later fragments and packets with a
/// truncated upper header are identified by addresses and protocol. nullopt: no IP header.
[[nodiscard]] inline std::optional<FlowKey> flow_key(std::uint64_t endpoint, Bytes packet) {
    auto ip = detail::parse_ip(packet);
    if (!ip)
        return std::nullopt;
    if (!ip->later_fragment && detail::is_icmp(*ip) && ip->upper.size() > 8 &&
        detail::is_error(*ip, ip->upper[0])) {
        // ICMP errors are not sent about ICMP errors (RFC 1122, 3.2.2), so one level suffices.
        if (const auto quoted = detail::parse_ip(ip->upper.subspan(8)))
            ip = quoted;
    }
    std::uint16_t source = 0, destination = 0;
    if (!ip->later_fragment && detail::has_ports(ip->ip_proto) && ip->upper.size() >= 4) {
        source = load_be<std::uint16_t>(ip->upper, 0);
        destination = load_be<std::uint16_t>(ip->upper, 2);
    } else if (!ip->later_fragment && detail::is_icmp(*ip) && ip->upper.size() >= 6 &&
               detail::is_echo(*ip, ip->upper[0])) {
        source = destination = load_be<std::uint16_t>(ip->upper, 4);
    }
    return detail::canonical_key(endpoint, *ip, source, destination);
}

/// True for link-local IPv6 multicast (ff02::/16), which routers do not forward.
[[nodiscard]] inline bool is_link_multicast(Bytes packet) {
    return packet.size() >= 40 && packet[0] >> 4 == 6 && packet[24] == 0xff && packet[25] == 0x02;
}

} // namespace glb::appliance
