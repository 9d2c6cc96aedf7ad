#include "tests/netns/testbed/sockets.h"

#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <poll.h>
#include <stdexcept>
#include <sys/resource.h>

#include <fmt/format.h>

namespace glb::test {

namespace {

[[noreturn]] void throw_errno(const std::string &what) {
    throw std::runtime_error(fmt::format("{}: {}", what, std::strerror(errno)));
}

void enable(const Fd &socket, int level, int option) {
    const int on = 1;
    if (setsockopt(socket.get(), level, option, &on, sizeof on) != 0)
        throw_errno(fmt::format("socket option {}/{}", level, option));
}

} // namespace

SocketAddress::SocketAddress(const std::string &host, std::uint16_t port) {
    auto *v4 = reinterpret_cast<sockaddr_in *>(&storage);
    auto *v6 = reinterpret_cast<sockaddr_in6 *>(&storage);
    if (inet_pton(AF_INET, host.c_str(), &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        length = sizeof *v4;
    } else if (inet_pton(AF_INET6, host.c_str(), &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
        length = sizeof *v6;
    } else {
        throw std::invalid_argument("not an IP address: " + host);
    }
}

Fd make_socket(int family, int type) {
    Fd fd(socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd)
        throw_errno("socket");
    // A large buffer, so that a delayed test thread does not lose datagrams.
    const int buffer_size = 8 << 20;
    if (type == SOCK_DGRAM)
        (void)::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUFFORCE, &buffer_size, sizeof buffer_size);
    if (family == AF_INET6)
        enable(fd, SOL_IPV6, IPV6_FREEBIND);
    else
        enable(fd, SOL_IP, IP_FREEBIND);
    return fd;
}

Fd make_server_socket(int type, std::uint16_t port) {
    Fd fd = make_socket(AF_INET6, type);
    const int off = 0;
    if (setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) != 0)
        throw_errno("IPV6_V6ONLY");
    bind_to(fd, {"::", port});
    if (type == SOCK_STREAM && listen(fd.get(), SOMAXCONN) != 0)
        throw_errno(fmt::format("listen on {}", port));
    return fd;
}

void bind_to(const Fd &socket, const SocketAddress &address) {
    // Only for explicit ports: with SO_REUSEADDR the kernel may choose one port for several UDP sockets.
    enable(socket, SOL_SOCKET, SO_REUSEADDR);
    if (bind(socket.get(), address.raw(), address.length) != 0)
        throw_errno("bind");
}

bool wait_for(const Fd &socket, short events, std::chrono::milliseconds time) {
    pollfd waiting{socket.get(), events, 0};
    return ::poll(&waiting, 1, static_cast<int>(time.count())) > 0;
}

void raise_descriptor_limit() {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        throw_errno("getrlimit");
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        throw_errno("setrlimit");
}

} // namespace glb::test
