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

constexpr std::size_t kIp = kInBandGeneve;
constexpr std::size_t kUdp = kIp + 20;
constexpr std::size_t kPayload = kUdp + 8;

using Packet = std::array<std::uint8_t, kInBandBytes>;

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
    packet[kIp] = 0x45;
    put16(packet, kIp + 2, kInBandBytes - kIp);
    put16(packet, kIp + 6, 0x4000); // DF
    packet[kIp + 8] = 64;
    packet[kIp + 9] = IPPROTO_UDP;
    put(packet, kIp + 12, inner.source.v4_network_order());
    put(packet, kIp + 16, inner.destination.v4_network_order());
    put16(packet, kIp + 10, fold(add_words(packet, kIp, kUdp, 0)));
    put16(packet, kUdp, kInBandSourcePort);
    put16(packet, kUdp + 2, inner.port);
    put16(packet, kUdp + 4, kInBandBytes - kUdp);
}

} // namespace

Packet in_band_packet(const InBandInner &inner, std::uint64_t nonce) {
    Packet packet{};
    put_geneve(packet);
    put_inner(packet, inner);
    put(packet, kPayload, htobe64(GLB_IN_BAND_MAGIC));
    put(packet, kPayload + 8, nonce);
    const auto pseudo = add_words(packet, kIp + 12, kUdp, IPPROTO_UDP + (kInBandBytes - kUdp));
    const auto checksum = fold(add_words(packet, kUdp, kInBandBytes, pseudo));
    put16(packet, kUdp + 6, checksum == 0 ? 0xffff : checksum);
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
        return fail_errno(errno, "in-band socket's options");
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
    return fail_errno(errno, "in-band probes from {}", source.to_string());
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
