#include "appliance/sockets.h"

#include <array>
#include <cerrno>

#include <arpa/inet.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "controller/util/address.h"

namespace glb::appliance {
namespace {

constexpr int buffer_bytes = 8 << 20; // a burst of 5,000 full-size packets

Status set_option(const Fd &fd, int level, int option, int value, const char *what) {
    if (::setsockopt(fd.get(), level, option, &value, sizeof value) != 0)
        return fail_errno(errno, "cannot set {} on a socket", what);
    return {};
}

/// Exceeds the system's limit if permitted; otherwise up to the limit.
void enlarge_buffer(const Fd &fd, int forced, int plain) {
    const int bytes = buffer_bytes;
    if (::setsockopt(fd.get(), SOL_SOCKET, forced, &bytes, sizeof bytes) != 0)
        (void)::setsockopt(fd.get(), SOL_SOCKET, plain, &bytes, sizeof bytes);
}

Result<Fd> bind_receiver(UdpAddress listen, bool shared) {
    Fd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd)
        return fail_errno(errno, "cannot open a UDP socket");
    if (shared)
        GLB_TRY(set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1, "SO_REUSEPORT"));
    GLB_TRY(set_option(fd, IPPROTO_IP, IP_PKTINFO, 1, "IP_PKTINFO"));
    GLB_TRY(set_option(fd, IPPROTO_IP, IP_RECVTOS, 1, "IP_RECVTOS"));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = listen.address;
    address.sin_port = listen.port;
    if (::bind(fd.get(), reinterpret_cast<const sockaddr *>(&address), sizeof address) != 0)
        return fail_errno(errno, "--listen {}:{}", IpAddress::v4(listen.address).to_string(),
                          ntohs(listen.port));
    return fd;
}

} // namespace

Result<std::vector<Fd>> open_receivers(UdpAddress listen, std::size_t count) {
    // With SO_REUSEPORT alone, another process of the same user could share the port and receive some flows.
    GLB_ASSIGN(auto exclusive, bind_receiver(listen, false));
    exclusive.reset();
    std::vector<Fd> receivers;
    for (std::size_t i = 0; i < count; ++i) {
        GLB_ASSIGN(auto receiver, bind_receiver(listen, true));
        enlarge_buffer(receiver, SO_RCVBUFFORCE, SO_RCVBUF);
        receivers.push_back(std::move(receiver));
    }
    return receivers;
}

Result<Fd> open_sender() {
    Fd fd(::socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW));
    if (!fd)
        return fail_errno(errno, "cannot open a raw socket (requires root or CAP_NET_RAW)");
    enlarge_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF);
    const timeval timeout{0, 100'000};
    if (::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout) != 0)
        return fail_errno(errno, "cannot set SO_SNDTIMEO on a socket");
    return fd;
}

std::uint64_t overruns(int receiver) {
    std::array<std::uint32_t, SK_MEMINFO_VARS> values{};
    socklen_t length = sizeof values;
    if (::getsockopt(receiver, SOL_SOCKET, SO_MEMINFO, values.data(), &length) != 0)
        return 0;
    return values[SK_MEMINFO_DROPS];
}

} // namespace glb::appliance
