// Parser of the "aws" GENEVE dialect (RFC 8926, option class 0x0108).
#pragma once

#include <cstdint>
#include <optional>

#include <tl/expected.hpp>

#include "appliance/bytes.h"
#include "appliance/counters.h"
#include "appliance/inner_packet.h"

namespace glb::appliance {

/// The fixed header, and at most 63 words of options (6-bit length).
inline constexpr std::size_t geneve_fixed_length = 8;
inline constexpr std::size_t geneve_max_length = geneve_fixed_length + word_bytes(63);

/// A valid GENEVE packet. Both spans point into the parsed bytes.
struct GenevePacket {
    Bytes header; ///< fixed part and options, to be returned unchanged
    Bytes inner;  ///< the IP packet, trimmed to the length in its header
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

/// Reads an option that must have this length and occur at most once.
template <typename T>
[[nodiscard]] bool read_option(std::optional<T> &slot, Bytes value) {
    if (slot || value.size() != sizeof(T))
        return false;
    slot = load_be<T>(value, 0);
    return true;
}

/// Parses TLV options in any order. Unknown ones are skipped unless they are critical.
[[nodiscard]] inline tl::expected<Options, Counter> parse_options(Bytes area) {
    constexpr std::uint16_t aws_class = 0x0108;
    Options options;
    while (!area.empty()) {
        if (area.size() < 4)
            return tl::unexpected(Counter::geneve_options);
        const auto option_class = load_be<std::uint16_t>(area, 0);
        const std::uint8_t option_type = area[2];
        const std::size_t length = word_bytes(area[3] & 0x1fu);
        if (length > area.size() - 4)
            return tl::unexpected(Counter::geneve_options);
        const Bytes value = area.subspan(4, length);
        area = area.subspan(4 + length);

        bool valid = true;
        if (option_class == aws_class && option_type == 1)
            valid = read_option(options.endpoint, value);
        else if (option_class == aws_class && option_type == 2)
            valid = read_option(options.attachment, value);
        else if (option_class == aws_class && option_type == 3)
            valid = read_option(options.cookie, value);
        else if (option_type & 0x80)
            return tl::unexpected(Counter::geneve_critical);
        if (!valid)
            return tl::unexpected(Counter::geneve_options);
    }
    return options;
}

} // namespace detail

/// Parses a UDP payload. The error is the drop counter. All lengths are checked against the received bytes.
[[nodiscard]] inline tl::expected<GenevePacket, Counter> parse_geneve(Bytes payload) {
    constexpr std::uint16_t ipv4_eth_proto = 0x0800;
    constexpr std::uint16_t ipv6_eth_proto = 0x86dd;
    if (payload.size() < geneve_fixed_length)
        return tl::unexpected(Counter::geneve_short);
    if (payload[0] >> 6 != 0)
        return tl::unexpected(Counter::geneve_version);
    if (payload[1] & 0x80)
        return tl::unexpected(Counter::geneve_control);
    const std::size_t header_length = geneve_fixed_length + word_bytes(payload[0] & 0x3fu);
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

    const Bytes remainder = payload.subspan(header_length);
    const auto inner_length = ip_packet_length(remainder);
    if (!inner_length || remainder[0] >> 4 != (eth_proto == ipv4_eth_proto ? 4 : 6))
        return tl::unexpected(Counter::inner_malformed);
    return GenevePacket{header, remainder.first(*inner_length), *options->endpoint, *options->attachment,
                        *options->cookie};
}

} // namespace glb::appliance
