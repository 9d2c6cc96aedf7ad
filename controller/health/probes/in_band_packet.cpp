#include "controller/health/probes/in_band_packet.h"

#include <cerrno>
#include <cstring>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "abi/config.h"

namespace glb {
namespace {

constexpr std::size_t ip_at = in_band_geneve_bytes;
constexpr std::size_t udp_at = ip_at + 20;
constexpr std::size_t payload_at = udp_at + 8;

using Packet = std::array<std::uint8_t, in_band_bytes>;

template <typename T>
void put(Packet &packet, std::size_t at, T network_order) {
    std::memcpy(packet.data() + at, &network_order, sizeof network_order);
}

void put16(Packet &packet, std::size_t at, std::size_t value) {
    put(packet, at, htons(static_cast<std::uint16_t>(value)));
}

/// RFC 1071, over whole 16-bit words.
std::uint32_t add_words(const Packet &packet, std::size_t from, std::size_t to, std::uint32_t sum) {
    for (auto at = from; at < to; at += 2)
        sum += static_cast<std::uint32_t>(packet[at] << 8 | packet[at + 1]);
    return sum;
}

std::uint16_t fold(std::uint32_t sum) {
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(~sum);
}

void put_geneve(Packet &packet) {
    packet[0] = 0x08; // 8 words of options
    put16(packet, 2, 0x0800);
    constexpr std::array<std::uint8_t, 12> options = {1, 8, 1, 2, 1, 8, 2, 2, 1, 8, 3, 1};
    std::memcpy(packet.data() + 8, options.data(), 4);
    put(packet, 12, htobe64(GLB_IN_BAND_ENDPOINT));
    std::memcpy(packet.data() + 20, options.data() + 4, 4);
    std::memcpy(packet.data() + 32, options.data() + 8, 4);
}

void put_inner(Packet &packet, const InBandInner &inner) {
    packet[ip_at] = 0x45;
    put16(packet, ip_at + 2, in_band_bytes - ip_at);
    put16(packet, ip_at + 6, 0x4000); // DF
    packet[ip_at + 8] = 64;
    packet[ip_at + 9] = IPPROTO_UDP;
    put(packet, ip_at + 12, inner.source.v4_network_order());
    put(packet, ip_at + 16, inner.destination.v4_network_order());
    put16(packet, ip_at + 10, fold(add_words(packet, ip_at, udp_at, 0)));
    put16(packet, udp_at, in_band_source_port);
    put16(packet, udp_at + 2, inner.port);
    put16(packet, udp_at + 4, in_band_bytes - udp_at);
}

} // namespace

Packet in_band_packet(const InBandInner &inner, std::uint64_t nonce) {
    Packet packet{};
    put_geneve(packet);
    put_inner(packet, inner);
    put(packet, payload_at, htobe64(GLB_IN_BAND_MAGIC));
    put(packet, payload_at + 8, nonce);
    const auto pseudo = add_words(packet, ip_at + 12, udp_at, IPPROTO_UDP + (in_band_bytes - udp_at));
    const auto checksum = fold(add_words(packet, udp_at, in_band_bytes, pseudo));
    put16(packet, udp_at + 6, checksum == 0 ? 0xffff : checksum);
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

} // namespace glb
