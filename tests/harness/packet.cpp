#include "tests/harness/packet.h"

#include <arpa/inet.h>
#include <cstdio>
#include <stdexcept>

#include <fmt/format.h>

namespace glb::test {

Mac::Mac(const char *text) {
    int end = 0;
    auto &b = bytes;
    if (std::sscanf(text, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%n", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5],
                    &end) != 6 ||
        text[end] != '\0')
        throw std::invalid_argument(fmt::format("'{}' is not a MAC address", text));
}

std::string Mac::to_string() const {
    const auto &b = bytes;
    return fmt::format("{:02x}:{:02x}:{:02x}:{:02x}:{:02x}:{:02x}", b[0], b[1], b[2], b[3], b[4], b[5]);
}

Ip4::Ip4(const char *text) {
    if (inet_pton(AF_INET, text, bytes.data()) != 1)
        throw std::invalid_argument(fmt::format("'{}' is not an IPv4 address", text));
}

Ip6::Ip6(const char *text) {
    if (inet_pton(AF_INET6, text, bytes.data()) != 1)
        throw std::invalid_argument(fmt::format("'{}' is not an IPv6 address", text));
}

Packet operator/(Packet left, Packet right) {
    for (auto &layer : right.layers)
        left.layers.push_back(std::move(layer));
    return left;
}

namespace {

std::uint32_t pair(std::uint16_t high, std::uint16_t low) {
    return static_cast<std::uint32_t>(high) << 16 | low;
}

Packet neighbour_message(std::uint8_t icmp_type, std::uint32_t flags, const Ip6 &target, const Mac &mac,
                         std::uint8_t option) {
    Bytes body(target.bytes.begin(), target.bytes.end());
    put8(body, option);
    put8(body, 1);
    return Icmp6{.icmp_type = icmp_type, .rest = flags} / Payload(std::move(body) + ByteView(mac.bytes));
}

} // namespace

Icmp icmp_echo(std::uint16_t id, std::uint16_t sequence) {
    return {.icmp_type = 8, .rest = pair(id, sequence)};
}
Icmp icmp_echo_reply(std::uint16_t id, std::uint16_t sequence) {
    return {.icmp_type = 0, .rest = pair(id, sequence)};
}
Icmp icmp_unreachable(std::uint8_t code) {
    return {.icmp_type = 3, .code = code};
}
Icmp icmp_fragmentation_needed(std::uint16_t mtu) {
    return {.icmp_type = 3, .code = 4, .rest = mtu};
}
Icmp icmp_time_exceeded() {
    return {.icmp_type = 11};
}

Icmp6 icmp6_echo(std::uint16_t id, std::uint16_t sequence) {
    return {.icmp_type = 128, .rest = pair(id, sequence)};
}
Icmp6 icmp6_echo_reply(std::uint16_t id, std::uint16_t sequence) {
    return {.icmp_type = 129, .rest = pair(id, sequence)};
}
Icmp6 icmp6_unreachable(std::uint8_t code) {
    return {.icmp_type = 1, .code = code};
}
Icmp6 icmp6_too_big(std::uint32_t mtu) {
    return {.icmp_type = 2, .rest = mtu};
}
Icmp6 icmp6_time_exceeded() {
    return {.icmp_type = 3};
}

Packet nd_solicitation(Ip6 target, Mac source) {
    return neighbour_message(135, 0, target, source, 1);
}
Packet nd_advertisement(Ip6 target, Mac source) {
    constexpr std::uint32_t solicited_override = 0x60000000;
    return neighbour_message(136, solicited_override, target, source, 2);
}

std::vector<GeneveOption> aws_options(std::uint64_t endpoint, std::uint64_t attachment,
                                      std::uint32_t cookie) {
    std::vector<GeneveOption> options(3);
    for (std::uint8_t i = 0; i < 3; i++)
        options[i].option_type = static_cast<std::uint8_t>(i + 1);
    put64(options[0].value, endpoint);
    put64(options[1].value, attachment);
    put32(options[2].value, cookie);
    return options;
}

std::vector<Bytes> fragments_of(ByteView ipv4, std::size_t unit) {
    const std::size_t header = ipv4.empty() ? 0 : (ipv4[0] & 0xfu) * 4u;
    if (header < 20 || ipv4.size() < header || unit == 0 || unit % 8 != 0)
        throw std::invalid_argument(
            "fragments_of: not an IPv4 packet, or a unit that is not a multiple of 8");
    std::vector<Bytes> out;
    for (std::size_t offset = header; offset < ipv4.size(); offset += unit) {
        const std::size_t length = std::min(unit, ipv4.size() - offset);
        const bool more = offset + length < ipv4.size();
        Bytes piece(ipv4.begin(), ipv4.begin() + static_cast<long>(header));
        set16(piece, 2, static_cast<std::uint16_t>(header + length));
        set16(piece, 6, static_cast<std::uint16_t>((more ? 0x2000u : 0u) | (offset - header) / 8));
        set16(piece, 10, 0);
        set16(piece, 10, internet_checksum(piece));
        out.push_back(std::move(piece) + ipv4.subspan(offset, length));
    }
    return out;
}

} // namespace glb::test
