#include "controller/health/probes/in_band_packet.h"

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <span>

#include <arpa/inet.h>
#include <boost/endian/conversion.hpp>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "abi/config.h"
#include "controller/tunnel/geneve_layout.h"
#include "controller/tunnel/ipv4_udp.h"

namespace glb::health {

std::array<std::uint8_t, in_band_bytes> in_band_packet(const InBandInner &inner, std::uint64_t nonce) {
    std::array<std::uint8_t, in_band_bytes> packet{};
    const auto &layout = tunnel::aws_geneve();
    assert(layout.header.size() == in_band_geneve_bytes);
    std::copy(layout.header.begin(), layout.header.end(), packet.begin());
    boost::endian::store_big_u16(&packet[tunnel::geneve_protocol_offset], ETH_P_IP);
    boost::endian::store_big_u64(&packet[layout.endpoint], GLB_IN_BAND_ENDPOINT);

    const auto ip = std::span(packet).subspan<in_band_geneve_bytes>();
    tunnel::write_ipv4_udp(ip.first<tunnel::ipv4_udp_bytes>(),
                           {inner.source, inner.destination, in_band_source_port, inner.port},
                           sizeof(glb_in_band));
    const glb_in_band probe{htobe64(GLB_IN_BAND_MAGIC), nonce};
    std::memcpy(&ip[tunnel::ipv4_udp_bytes], &probe, sizeof probe);
    tunnel::set_checksums(ip);
    return packet;
}

Result<Fd> open_in_band_socket(const IpAddress &source) {
    constexpr int tries = 64;
    Fd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd)
        return fail_errno(errno, "in-band socket");
    const int on = 1, discover = IP_PMTUDISC_DO;
    if (::setsockopt(fd.get(), SOL_SOCKET, SO_NO_CHECK, &on, sizeof on) != 0 ||
        ::setsockopt(fd.get(), IPPROTO_IP, IP_MTU_DISCOVER, &discover, sizeof discover) != 0)
        return fail_errno(errno, "in-band socket: options");
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = source.v4_network_order();
    for (int i = 0; i < tries; ++i) {
        at.sin_port = htons(static_cast<std::uint16_t>(0xc000 | (random_nonce() & 0x3fff)));
        if (::bind(fd.get(), reinterpret_cast<const sockaddr *>(&at), sizeof at) == 0)
            return fd;
        if (errno != EADDRINUSE)
            break;
    }
    return fail_errno(errno, "in-band socket: source {}", source.to_string());
}

Status send_in_band(const Fd &socket, const IpAddress &target, std::uint16_t port, const InBandInner &inner,
                    std::uint64_t nonce) {
    const auto packet = in_band_packet(inner, nonce);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = target.v4_network_order();
    if (::sendto(socket.get(), packet.data(), packet.size(), 0, reinterpret_cast<const sockaddr *>(&to),
                 sizeof to) < 0)
        return fail_errno(errno, "in-band probe to {}", target.to_string());
    return {};
}

std::uint64_t random_nonce() {
    std::uint64_t nonce = 0;
    while (::getrandom(&nonce, sizeof nonce, 0) != static_cast<ssize_t>(sizeof nonce))
        ;
    return nonce;
}

} // namespace glb::health
