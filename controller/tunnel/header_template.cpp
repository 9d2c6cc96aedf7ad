#include "controller/tunnel/header_template.h"

#include <algorithm>
#include <cassert>

#include <boost/endian/conversion.hpp>
#include <linux/if_ether.h>

namespace glb::tunnel {
namespace {

/// Writes MACs, tags and the ethertype IPv4. The length of the header.
std::size_t write_ethernet(std::uint8_t *to, const network::Path &path) {
    using boost::endian::store_big_u16;
    auto at = std::copy(path.destination.bytes.begin(), path.destination.bytes.end(), to);
    at = std::copy(path.source.bytes.begin(), path.source.bytes.end(), at);
    for (const auto &tag : path.tags) {
        store_big_u16(at, tag.eth_proto);
        store_big_u16(at + 2, tag.id);
        at += 4;
    }
    store_big_u16(at, ETH_P_IP);
    return static_cast<std::size_t>(at + 2 - to);
}

} // namespace

void write_header_template(glb_target &row, const network::Path &path, const UdpFlow &flow,
                           const GeneveLayout &layout) {
    const auto l3 = write_ethernet(row.header, path);
    const std::span<std::uint8_t, ipv4_udp_bytes> ip(row.header + l3, ipv4_udp_bytes);
    write_ipv4_udp(ip, flow, 0);
    boost::endian::store_big_u16(&ip[2], 0); // the data path adds the length to ip_sum
    boost::endian::store_big_u16(&ip[24], 0);
    const auto geneve = l3 + ipv4_udp_bytes;
    const auto length = geneve + layout.header.size();
    assert(length >= GLB_HEADER_MIN && length <= GLB_HEADER_MAX);
    std::copy(layout.header.begin(), layout.header.end(), row.header + geneve);

    row.l3 = static_cast<std::uint8_t>(l3);
    row.header_len = static_cast<std::uint8_t>(length);
    row.endpoint = static_cast<std::uint8_t>(geneve + layout.endpoint);
    row.attachment = static_cast<std::uint8_t>(geneve + layout.attachment);
    row.cookie = static_cast<std::uint8_t>(geneve + layout.cookie);
    row.ip_sum = add_words(ip.first<ipv4_bytes>());
    row.ifindex = path.ifindex;
    row.mtu = path.mtu;
    row.flags |= GLB_TARGET_RESOLVED;
}

} // namespace glb::tunnel
