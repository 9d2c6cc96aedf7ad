// Sockets of the tests' servers and clients.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include <netinet/in.h>
#include <sys/socket.h>

#include "controller/util/fd.h"

namespace glb::test {

/// An IPv4 or IPv6 address with a port as a sockaddr.
struct SocketAddress {
    sockaddr_storage storage{};
    socklen_t length = 0;

    /// Throws std::invalid_argument if `host` is not an address.
    SocketAddress(const std::string &host, std::uint16_t port);

    [[nodiscard]] const sockaddr *raw() const { return reinterpret_cast<const sockaddr *>(&storage); }
    [[nodiscard]] int family() const { return storage.ss_family; }
};

/// A non-blocking socket in the calling thread's namespace. With IP_FREEBIND it may bind to addresses that
/// are local only by a route. `type` is SOCK_STREAM or SOCK_DGRAM. Functions of this file throw
/// std::runtime_error.
[[nodiscard]] Fd make_socket(int family, int type);

/// Bound to all addresses of both IP versions. A TCP socket listens.
[[nodiscard]] Fd make_server_socket(int type, std::uint16_t port);

void bind_to(const Fd &socket, const SocketAddress &address);

/// Waits for `events` of poll(2). False on a timeout.
[[nodiscard]] bool wait_for(const Fd &socket, short events, std::chrono::milliseconds time);

/// Raises RLIMIT_NOFILE to its hard limit, since each flow needs a socket.
void raise_descriptor_limit();

} // namespace glb::test
