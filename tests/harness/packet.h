// Packets composed of headers:
//
//   Bytes frame = Eth{} / Vlan{100} / IPv4{.ttl = 1} / Tcp{.flags = tcp::syn} / Payload("hi");
//   Bytes short_one = (Eth{} / IPv4{} / Udp{}).truncated(30);
//
// A quoted or tunnelled packet is appended in the same way: icmp_unreachable(1) / IPv4{…} / Udp{…}, or
// IPv4{…} / Udp{…} / Geneve{aws_options(…)} / IPv6{…} / Tcp{…}.
#pragma once

#include <concepts>
#include <variant>
#include <vector>

#include "tests/harness/layers.h"

namespace glb::test {

using Layer = std::variant<Eth, Vlan, Arp, IPv4, IPv6, HopByHop, DestOptions, Routing, Fragment6, Tcp, Udp,
                           UdpLite, Sctp, Icmp, Icmp6, Esp, Ah, Gre, Geneve, Payload>;

template <typename T>
concept LayerType = std::constructible_from<Layer, T> && !std::same_as<std::remove_cvref_t<T>, Layer>;

/// A sequence of headers, outermost first. Converts implicitly to Bytes.
class Packet {
  public:
    Packet() = default;
    template <LayerType T>
    Packet(T layer) {
        layers.emplace_back(std::in_place_type<T>, std::move(layer));
    }

    /// Encodes from the innermost header outwards and computes all values that are not given. A TCP, UDP or
    /// ICMPv6 checksum uses the addresses of the nearest preceding IP header.
    [[nodiscard]] Bytes bytes() const;
    operator Bytes() const { return bytes(); }

    [[nodiscard]] Bytes truncated(std::size_t length) const { return test::truncated(bytes(), length); }
    [[nodiscard]] Bytes padded_to(std::size_t length) const { return test::padded_to(bytes(), length); }

    std::vector<Layer> layers;
};

[[nodiscard]] Packet operator/(Packet left, Packet right);

/// ICMP (RFC 792): echo, and errors, to which the quoted packet is appended.
[[nodiscard]] Icmp icmp_echo(std::uint16_t id, std::uint16_t sequence);
[[nodiscard]] Icmp icmp_echo_reply(std::uint16_t id, std::uint16_t sequence);
[[nodiscard]] Icmp icmp_unreachable(std::uint8_t code);
[[nodiscard]] Icmp icmp_fragmentation_needed(std::uint16_t mtu);
[[nodiscard]] Icmp icmp_time_exceeded();

/// ICMPv6 (RFC 4443).
[[nodiscard]] Icmp6 icmp6_echo(std::uint16_t id, std::uint16_t sequence);
[[nodiscard]] Icmp6 icmp6_echo_reply(std::uint16_t id, std::uint16_t sequence);
[[nodiscard]] Icmp6 icmp6_unreachable(std::uint8_t code);
[[nodiscard]] Icmp6 icmp6_too_big(std::uint32_t mtu);
[[nodiscard]] Icmp6 icmp6_time_exceeded();

/// Neighbour discovery (RFC 4861) with the link-layer address option. Needs hop limit 255.
[[nodiscard]] Packet nd_solicitation(Ip6 target, Mac source);
[[nodiscard]] Packet nd_advertisement(Ip6 target, Mac source);

/// The three options of a GWLB packet in order: endpoint id, attachment id, flow cookie.
[[nodiscard]] std::vector<GeneveOption> aws_options(std::uint64_t endpoint, std::uint64_t attachment,
                                                    std::uint32_t cookie);

/// The fragments of an IPv4 packet (without an Ethernet header). Each has `unit` bytes of payload, a multiple
/// of 8.
[[nodiscard]] std::vector<Bytes> fragments_of(ByteView ipv4, std::size_t unit);

} // namespace glb::test
