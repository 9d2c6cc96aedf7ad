#include "tests/netns/testbed/echo.h"

#include <array>
#include <cstring>
#include <poll.h>
#include <stdexcept>
#include <string_view>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/netns/testbed/sockets.h"

namespace glb::test {

namespace {

constexpr std::string_view http_response =
    "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n";

Fd make_event() {
    Fd fd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!fd)
        throw std::runtime_error("eventfd");
    return fd;
}

void raise(const Fd &event) {
    const std::uint64_t one = 1;
    if (write(event.get(), &one, sizeof one) != sizeof one)
        std::abort(); // otherwise join() would block forever
}

void watch(const Fd &epoll, int fd) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    if (epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd, &event) != 0)
        throw std::runtime_error("epoll_ctl");
}

} // namespace

TcpServer::TcpServer(const Namespace &ns, std::uint16_t port, Reply reply)
    : listener_(ns.call([port] { return make_server_socket(SOCK_STREAM, port); })),
      epoll_(epoll_create1(EPOLL_CLOEXEC)), stop_(make_event()), reply_(reply) {
    raise_descriptor_limit();
    watch(epoll_, listener_.get());
    watch(epoll_, stop_.get());
    thread_ = std::thread([this] { serve(); });
}

TcpServer::~TcpServer() {
    raise(stop_);
    thread_.join();
}

void TcpServer::serve() {
    std::array<epoll_event, 256> events{};
    while (true) {
        const int ready = epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), -1);
        for (int i = 0; i < ready; i++) {
            const int fd = events[static_cast<std::size_t>(i)].data.fd;
            if (fd == stop_.get())
                return;
            if (fd == listener_.get())
                accept_all();
            else
                respond(fd);
        }
    }
}

void TcpServer::accept_all() {
    while (true) {
        Fd fd(accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (!fd)
            return;
        watch(epoll_, fd.get());
        accepted_++;
        const int number = fd.get();
        connections_.insert_or_assign(number, std::move(fd));
    }
}

void TcpServer::respond(int connection) {
    std::array<char, 65536> buffer;
    const ssize_t got = recv(connection, buffer.data(), buffer.size(), 0);
    if (got <= 0) {
        connections_.erase(connection);
        return;
    }
    // A partial send is not retried: tests send little before they read the reply.
    if (reply_ == Reply::echo) {
        (void)send(connection, buffer.data(), static_cast<std::size_t>(got), MSG_NOSIGNAL);
    } else {
        (void)send(connection, http_response.data(), http_response.size(), MSG_NOSIGNAL);
        shutdown(connection, SHUT_WR);
    }
}

UdpEcho::UdpEcho(const Namespace &ns, std::uint16_t port)
    : socket_(ns.call([port] { return make_server_socket(SOCK_DGRAM, port); })), stop_(make_event()) {
    const int buffer_size = 8 << 20;
    (void)setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUFFORCE, &buffer_size, sizeof buffer_size);
    thread_ = std::thread([this] { serve(); });
}

UdpEcho::~UdpEcho() {
    raise(stop_);
    thread_.join();
}

void UdpEcho::serve() {
    std::array<pollfd, 2> waiting{pollfd{socket_.get(), POLLIN, 0}, pollfd{stop_.get(), POLLIN, 0}};
    std::array<char, 65536> buffer;
    while (true) {
        (void)poll(waiting.data(), waiting.size(), -1);
        if (waiting[1].revents != 0)
            return;
        sockaddr_storage peer{};
        socklen_t length = sizeof peer;
        const ssize_t got = recvfrom(socket_.get(), buffer.data(), buffer.size(), 0,
                                     reinterpret_cast<sockaddr *>(&peer), &length);
        if (got < 0)
            continue;
        received_++;
        (void)sendto(socket_.get(), buffer.data(), static_cast<std::size_t>(got), 0,
                     reinterpret_cast<const sockaddr *>(&peer), length);
    }
}

} // namespace glb::test
