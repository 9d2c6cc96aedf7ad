#include "bench/probes/bare_loop.h"

#include <array>

#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace glb::bench {

namespace {

using Clock = std::chrono::steady_clock;

void begin_connect(int epoll, std::uint16_t port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const linger reset{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    (void)::connect(fd, reinterpret_cast<const sockaddr *>(&to), sizeof to);
    epoll_event event{};
    event.events = EPOLLOUT;
    event.data.fd = fd;
    ::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

} // namespace

std::uint64_t connect_only(std::uint16_t port, unsigned per_second, std::chrono::seconds time) {
    const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
    const auto pause = std::chrono::nanoseconds(std::chrono::seconds(1)) / per_second;
    const auto end = Clock::now() + time;
    auto next = Clock::now();
    std::uint64_t established = 0;
    std::array<epoll_event, 64> events;
    while (Clock::now() < end) {
        for (; next <= Clock::now(); next += pause)
            begin_connect(epoll, port);
        const int ready = ::epoll_wait(epoll, events.data(), events.size(), 1);
        for (int i = 0; i < ready; ++i) {
            established += (events[static_cast<std::size_t>(i)].events & EPOLLERR) == 0;
            ::close(events[static_cast<std::size_t>(i)].data.fd);
        }
    }
    ::close(epoll);
    return established;
}

} // namespace glb::bench
