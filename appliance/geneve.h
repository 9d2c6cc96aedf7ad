// The GENEVE header of the "aws" dialect, as it arrives at an appliance (RFC 8926, class 0x0108).
#pragma once

#include <cstdint>
#include <optional>

#include <tl/expected.hpp>

#include "appliance/bytes.h"
#include "appliance/counters.h"
#include "appliance/inner_packet.h"

namespace glb::appliance {

/// The fixed header and the 63 words of options that its 6-bit length can speak of.
inline constexpr std::size_t geneve_fixed_length = 8;
inline constexpr std::size_t geneve_max_length = geneve_fixed_length + 63 * 4;

/// A GENEVE packet that passed every check. Both spans point into the bytes that were parsed.
struct GenevePacket {
    Bytes header; ///< fixed part and options, to be copied back verbatim
    Bytes inner;  ///< the IP packet, cut to what its own header says
    std::uint64_t endpoint = 0;
    std::uint64_t attachment = 0;
    std::uint32_t cookie = 0;
};

namespace detail {

struct Options {
    std::optional<std::uint64_t> endpoint;
    std::optional<std::uint64_t> attachment;
    std::optional<std::uint32_t> cookie;
};

/// Takes the value of an option that may come once, and has one length only.
template <typename T>
[[nodiscard]] bool take_option(std::optional<T> &slot, Bytes value) {
    if (slot || value.size() != sizeof(T))
        return false;
    slot = load_be<T>(value, 0);
    return true;
}

/// Options as bounded TLVs, in any order. Unknown ones are passed over unless their type says "critical".
[[nodiscard]] inline tl::expected<Options, Counter> parse_options(Bytes area) {
    constexpr std::uint16_t aws_class = 0x0108;
    Options options;
    while (!area.empty()) {
        if (area.size() < 4)
            return tl::unexpected(Counter::geneve_options);
        const auto option_class = load_be<std::uint16_t>(area, 0);
        const std::uint8_t option_type = area[2];
        const std::size_t length = (area[3] & 0x1fu) * 4u;
        if (length > area.size() - 4)
            return tl::unexpected(Counter::geneve_options);
        const Bytes value = area.subspan(4, length);
        area = area.subspan(4 + length);

        bool fits = true;
        if (option_class == aws_class && option_type == 1)
            fits = take_option(options.endpoint, value);
        else if (option_class == aws_class && option_type == 2)
            fits = take_option(options.attachment, value);
        else if (option_class == aws_class && option_type == 3)
            fits = take_option(options.cookie, value);
        else if (option_type & 0x80)
            return tl::unexpected(Counter::geneve_critical);
        if (!fits)
            return tl::unexpected(Counter::geneve_options);
    }
    return options;
}

} // namespace detail

/// Parses a UDP payload as GENEVE from a node. The error is the counter under which to drop it.
/// No length in the packet is believed before it is compared with what arrived.
[[nodiscard]] inline tl::expected<GenevePacket, Counter> parse_geneve(Bytes payload) {
    constexpr std::uint16_t ipv4_eth_proto = 0x0800;
    constexpr std::uint16_t ipv6_eth_proto = 0x86dd;
    if (payload.size() < geneve_fixed_length)
        return tl::unexpected(Counter::geneve_short);
    if (payload[0] >> 6 != 0)
        return tl::unexpected(Counter::geneve_version);
    if (payload[1] & 0x80)
        return tl::unexpected(Counter::geneve_control);
    const std::size_t header_length = geneve_fixed_length + (payload[0] & 0x3fu) * 4u;
    if (payload.size() < header_length)
        return tl::unexpected(Counter::geneve_short);
    const auto eth_proto = load_be<std::uint16_t>(payload, 2);
    if (eth_proto != ipv4_eth_proto && eth_proto != ipv6_eth_proto)
        return tl::unexpected(Counter::geneve_protocol);

    const Bytes header = payload.first(header_length);
    const auto options = detail::parse_options(header.subspan(geneve_fixed_length));
    if (!options)
        return tl::unexpected(options.error());
    if (!options->endpoint || !options->attachment || !options->cookie)
        return tl::unexpected(Counter::geneve_missing);

    const Bytes rest = payload.subspan(header_length);
    const auto inner_length = ip_packet_length(rest);
    if (!inner_length || rest[0] >> 4 != (eth_proto == ipv4_eth_proto ? 4 : 6))
        return tl::unexpected(Counter::inner_malformed);
    return GenevePacket{header, rest.first(*inner_length), *options->endpoint, *options->attachment,
                        *options->cookie};
}

} // namespace glb::appliance
