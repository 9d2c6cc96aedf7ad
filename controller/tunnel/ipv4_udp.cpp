#include "controller/tunnel/ipv4_udp.h"

#include <algorithm>
#include <cstring>

#include <arpa/inet.h>
#include <boost/endian/conversion.hpp>
#include <netinet/in.h>

#include "lib/checksum.h"

namespace glb::tunnel {
namespace {

constexpr std::size_t checksum_at = 10, addresses_at = 12, udp_checksum_at = ipv4_bytes + 6;

void store_checksum(std::uint8_t *at, std::uint16_t checksum) { // already in memory order
    std::memcpy(at, &checksum, sizeof checksum);
}

} // namespace

void write_ipv4_udp(std::span<std::uint8_t, ipv4_udp_bytes> to, const UdpFlow &flow, std::size_t payload) {
    using boost::endian::store_big_u16;
    const auto length = [payload](std::size_t headers) {
        return static_cast<std::uint16_t>(headers + payload);
    };
    std::memset(to.data(), 0, to.size());
    to[0] = 0x45; // version 4, five words
    store_big_u16(&to[2], length(ipv4_udp_bytes));
    to[6] = 0x40; // DF
    to[8] = 64;
    to[9] = IPPROTO_UDP;
    std::memcpy(&to[addresses_at], flow.source.bytes.data(), 4);
    std::memcpy(&to[addresses_at + 4], flow.destination.bytes.data(), 4);
    store_big_u16(&to[ipv4_bytes], flow.source_port);
    store_big_u16(&to[ipv4_bytes + 2], flow.destination_port);
    store_big_u16(&to[ipv4_bytes + 4], length(ipv4_udp_bytes - ipv4_bytes));
}

std::uint32_t add_words(std::span<const std::uint8_t> bytes, std::uint32_t sum) {
    for (std::size_t at = 0; at < bytes.size(); at += 2) {
        std::uint16_t word = 0;
        std::memcpy(&word, &bytes[at], std::min(sizeof word, bytes.size() - at));
        sum += word;
    }
    return sum;
}

void set_checksums(std::span<std::uint8_t> packet) {
    store_checksum(&packet[checksum_at], 0);
    store_checksum(&packet[udp_checksum_at], 0);
    store_checksum(&packet[checksum_at], glb_sum_fold(add_words(packet.first(ipv4_bytes))));
    const auto datagram = packet.subspan(ipv4_bytes);
    const auto pseudo = add_words(packet.subspan(addresses_at, 8),
                                  htons(IPPROTO_UDP) + htons(static_cast<std::uint16_t>(datagram.size())));
    const auto checksum = glb_sum_fold(add_words(datagram, pseudo));
    store_checksum(&packet[udp_checksum_at], checksum ? checksum : 0xffff); // 0 would mean: none
}

} // namespace glb::tunnel
