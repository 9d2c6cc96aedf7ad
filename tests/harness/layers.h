// Headers from which test packets are composed, as plain values.
//
// Optional members without a value are computed: lengths, checksums, protocol numbers. A given value is used
// unchanged, even if it is wrong, so that malformed packets are composed in the same way as valid ones.
// Defaults are documentation addresses (RFC 5737, RFC 3849) and locally administered MAC addresses.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/harness/bytes.h"

namespace glb::test {

using std::optional;

/// Addresses written as text: `.src = "192.0.2.1"`. Constructors throw std::invalid_argument on invalid text.
struct Mac {
    std::array<std::uint8_t, 6> bytes{};
    Mac() = default;
    Mac(const char *text);
    Mac(const std::string &text) : Mac(text.c_str()) {}
    Mac(std::array<std::uint8_t, 6> raw) : bytes(raw) {}
    [[nodiscard]] std::string to_string() const;
    bool operator==(const Mac &) const = default;
};
struct Ip4 {
    std::array<std::uint8_t, 4> bytes{};
    Ip4() = default;
    Ip4(const char *text);
    Ip4(const std::string &text) : Ip4(text.c_str()) {}
    bool operator==(const Ip4 &) const = default;
};
struct Ip6 {
    std::array<std::uint8_t, 16> bytes{};
    Ip6() = default;
    Ip6(const char *text);
    Ip6(const std::string &text) : Ip6(text.c_str()) {}
    bool operator==(const Ip6 &) const = default;
};

struct Eth {
    Mac dst = "02:00:00:00:00:02";
    Mac src = "02:00:00:00:00:01";
    optional<std::uint16_t> eth_proto{};
};
struct Vlan {
    std::uint16_t id = 0;
    std::uint8_t priority = 0;
    std::uint16_t tpid = 0x8100; ///< 0x88a8 for the outer tag of 802.1ad
    optional<std::uint16_t> eth_proto{};
};
struct Arp {
    std::uint16_t operation = 1; ///< 1 request, 2 reply
    Mac sender_mac = "02:00:00:00:00:01";
    Ip4 sender = "192.0.2.10";
    Mac target_mac{};
    Ip4 target = "192.0.2.1";
};

struct IPv4 {
    Ip4 src = "192.0.2.10";
    Ip4 dst = "198.51.100.20";
    std::uint8_t ttl = 64;
    std::uint8_t tos = 0;
    std::uint16_t id = 0;
    bool df = false;
    Bytes options{}; ///< padded with zeros to 4 bytes
    bool more_fragments = false;
    std::uint16_t fragment_offset = 0; ///< in units of 8 bytes
    optional<std::uint8_t> ip_proto{};
    optional<std::uint16_t> total_length{};
    optional<std::uint16_t> checksum{};
    optional<std::uint8_t> header_words{}; ///< IHL
    std::uint8_t version = 4;
};
struct IPv6 {
    Ip6 src = "2001:db8:1::10";
    Ip6 dst = "2001:db8:2::20";
    std::uint8_t hop_limit = 64;
    std::uint8_t traffic_class = 0;
    std::uint32_t flow_label = 0;
    optional<std::uint8_t> next_header{};
    optional<std::uint16_t> payload_length{};
    std::uint8_t version = 6;
};
/// Extension headers of IPv6 (RFC 8200). `data` is padded with Pad1/PadN to a multiple of 8 bytes.
struct HopByHop {
    Bytes data{};
    optional<std::uint8_t> next_header{};
    optional<std::uint8_t> length{}; ///< in units of 8 bytes, minus one
};
struct DestOptions {
    Bytes data{};
    optional<std::uint8_t> next_header{};
    optional<std::uint8_t> length{};
};
struct Routing {
    std::uint8_t routing_type = 4; ///< 4 is a segment routing header (RFC 8754), 2 Mobile IPv6
    std::uint8_t segments_left = 0;
    std::vector<Ip6> addresses{};
    optional<std::uint8_t> next_header{};
    optional<std::uint8_t> length{};
};
struct Fragment6 {
    std::uint16_t offset = 0; ///< in units of 8 bytes
    bool more = false;
    std::uint32_t id = 0;
    optional<std::uint8_t> next_header{};
};

namespace tcp {
inline constexpr std::uint8_t fin = 0x01, syn = 0x02, rst = 0x04, psh = 0x08, ack = 0x10, urg = 0x20;
}
struct Tcp {
    std::uint16_t sport = 12345;
    std::uint16_t dport = 80;
    std::uint8_t flags = tcp::ack;
    std::uint32_t seq = 0;
    std::uint32_t ack = 0;
    std::uint16_t window = 65535;
    Bytes options{}; ///< padded with zeros to 4 bytes
    optional<std::uint16_t> checksum{};
    optional<std::uint8_t> header_words{}; ///< data offset
};
struct Udp {
    std::uint16_t sport = 12345;
    std::uint16_t dport = 53;
    optional<std::uint16_t> length{};
    optional<std::uint16_t> checksum{}; ///< 0: none
};
struct UdpLite { ///< RFC 3828
    std::uint16_t sport = 12345;
    std::uint16_t dport = 53;
    std::uint16_t coverage = 0; ///< 0: the whole datagram
    optional<std::uint16_t> checksum{};
};
struct Sctp {
    std::uint16_t sport = 12345;
    std::uint16_t dport = 5060;
    std::uint32_t tag = 0;
    optional<std::uint32_t> checksum{};
};
/// The first 8 bytes of every ICMP and ICMPv6 message; packet.h has functions for the common types.
struct Icmp {
    std::uint8_t icmp_type = 8;
    std::uint8_t code = 0;
    std::uint32_t rest = 0; ///< echo: identifier, sequence; errors: MTU, pointer or gateway
    optional<std::uint16_t> checksum{};
};
struct Icmp6 {
    std::uint8_t icmp_type = 128;
    std::uint8_t code = 0;
    std::uint32_t rest = 0;
    optional<std::uint16_t> checksum{};
};
struct Esp {
    std::uint32_t spi = 0x1001;
    std::uint32_t seq = 1;
};
struct Ah {
    std::uint32_t spi = 0x1001;
    std::uint32_t seq = 1;
    Bytes icv = Bytes(12);
    optional<std::uint8_t> next_header{};
};
struct Gre {
    optional<std::uint32_t> key{};
    optional<std::uint16_t> eth_proto{};
};

/// One GENEVE option (RFC 8926, 3.5). `words` defaults to the length of `value`.
struct GeneveOption {
    std::uint16_t option_class = 0x0108;
    std::uint8_t option_type = 0;
    Bytes value{};
    optional<std::uint8_t> words{};
    bool operator==(const GeneveOption &) const = default;
};
struct Geneve {
    std::vector<GeneveOption> options{};
    std::uint32_t vni = 0;
    std::uint8_t version = 0;
    bool control = false;  ///< O
    bool critical = false; ///< C
    optional<std::uint16_t> eth_proto{};
    optional<std::uint8_t> option_words{};
    std::uint8_t reserved = 0; ///< the six bits after O and C
};

/// Arbitrary bytes, or text without its terminator.
struct Payload {
    Bytes bytes;
    Payload(const char *text) : bytes(from_string(text)) {}
    Payload(std::string_view text) : bytes(from_string(text)) {}
    Payload(Bytes raw) : bytes(std::move(raw)) {}
    explicit Payload(std::size_t length, std::uint8_t fill = 'x') : bytes(length, fill) {}
};

} // namespace glb::test
