// Socket addresses for the test's own servers and clients.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include <netinet/in.h>
#include <sys/socket.h>

#include "controller/util/fd.h"

namespace glb::test {

/// An IPv4 or IPv6 address with a port, as the kernel wants it.
struct SocketAddress {
    sockaddr_storage storage{};
    socklen_t length = 0;

    /// Throws std::invalid_argument where `host` is no address.
    SocketAddress(const std::string &host, std::uint16_t port);

    [[nodiscard]] const sockaddr *raw() const { return reinterpret_cast<const sockaddr *>(&storage); }
    [[nodiscard]] int family() const { return storage.ss_family; }
};

/// A socket of the calling thread's namespace, non-blocking. May bind addresses that are local by a route
/// alone (IP_FREEBIND). `type` is SOCK_STREAM or SOCK_DGRAM. Throws std::runtime_error, as all here do.
[[nodiscard]] Fd make_socket(int family, int type);

/// Bound to all addresses of both IP versions; TCP listens already.
[[nodiscard]] Fd make_server_socket(int type, std::uint16_t port);

void bind_to(const Fd &socket, const SocketAddress &address);

/// Waits for `events` of poll(2); false where none came within `time`.
[[nodiscard]] bool wait_for(const Fd &socket, short events, std::chrono::milliseconds time);

/// Lets this process hold as many descriptors as the system allows: thousands of flows are as many sockets.
void raise_descriptor_limit();

} // namespace glb::test
