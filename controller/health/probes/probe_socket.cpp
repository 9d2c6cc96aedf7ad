#include "controller/health/probes/probe_socket.h"

#include <cstring>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace glb::health {
namespace {

template <typename T>
Status set_option(const Fd &fd, int level, int name, const T &value, const char *what) {
    if (::setsockopt(fd.get(), level, name, &value, sizeof(value)) != 0)
        return fail_errno(errno, "probe socket: {}", what);
    return {};
}

struct SocketAddress {
    sockaddr_storage storage{};
    socklen_t length = 0;
    [[nodiscard]] const sockaddr *get() const { return reinterpret_cast<const sockaddr *>(&storage); }
};

SocketAddress socket_address(const IpAddress &address, std::uint16_t port) {
    SocketAddress result;
    if (address.family == 4) {
        sockaddr_in in{};
        in.sin_family = AF_INET;
        in.sin_port = htons(port);
        in.sin_addr.s_addr = address.v4_network_order();
        std::memcpy(&result.storage, &in, sizeof in);
        result.length = sizeof in;
    } else {
        sockaddr_in6 in6{};
        in6.sin6_family = AF_INET6;
        in6.sin6_port = htons(port);
        std::memcpy(&in6.sin6_addr, address.bytes.data(), sizeof in6.sin6_addr);
        std::memcpy(&result.storage, &in6, sizeof in6);
        result.length = sizeof in6;
    }
    return result;
}

Status bind_to_address(const Fd &fd, const IpAddress &address) {
    // The kernel selects the port at connect, when the destination is known. Otherwise 28,000 concurrent
    // probes are the limit.
    GLB_TRY(set_option(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1, "IP_BIND_ADDRESS_NO_PORT"));
    const auto source = socket_address(address, 0);
    if (::bind(fd.get(), source.get(), source.length) != 0)
        return fail_errno(errno, "probe socket: source {}", address.to_string());
    return {};
}

/// What connect() reports at once of the peer: on a path without a wire the answer arrives within the call.
bool is_answer(int error) {
    return error == ECONNREFUSED || error == ECONNRESET || error == EPIPE || error == ETIMEDOUT;
}

} // namespace

Result<Fd> open_probe_socket(std::uint8_t family, const ProbeSource &source) {
    Fd fd(::socket(family == 6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd)
        return fail_errno(errno, "probe socket");
    GLB_TRY(set_option(fd, SOL_SOCKET, SO_LINGER, linger{.l_onoff = 1, .l_linger = 0}, "SO_LINGER"));
    if (source.mark != 0)
        GLB_TRY(set_option(fd, SOL_SOCKET, SO_MARK, source.mark, "SO_MARK"));
    if (!source.device.empty() && ::setsockopt(fd.get(), SOL_SOCKET, SO_BINDTODEVICE, source.device.data(),
                                               static_cast<socklen_t>(source.device.size())) != 0)
        return fail_errno(errno, "probe socket: interface {}", source.device);
    if (source.address.family != 0)
        GLB_TRY(bind_to_address(fd, source.address));
    return fd;
}

Result<int> start_connect(int socket, const IpAddress &address, std::uint16_t port) {
    const auto peer = socket_address(address, port);
    if (::connect(socket, peer.get(), peer.length) == 0 || errno == EINPROGRESS)
        return 0;
    const int error = errno;
    if (is_answer(error))
        return error;
    return fail_errno(error, "connect");
}

} // namespace glb::health
