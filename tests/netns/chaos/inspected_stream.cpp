#include "tests/netns/chaos/inspected_stream.h"

#include <array>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <utility>

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <fmt/format.h>

#include "tests/netns/testbed/sockets.h"

namespace glb::test {

namespace {

using namespace std::chrono_literals;

constexpr std::uint16_t port = 7001;

struct Received {
    std::string payload;
    int tos = 0;
    sockaddr_in from{};
};

Fd datagram_socket() {
    Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const int on = 1;
    if (!socket || ::setsockopt(socket.get(), IPPROTO_IP, IP_RECVTOS, &on, sizeof on) != 0)
        throw std::runtime_error("cannot make a datagram socket");
    return socket;
}

/// The next datagram, if one arrives within 50 ms.
std::optional<Received> receive(const Fd &socket) {
    if (!wait_for(socket, POLLIN, 50ms))
        return std::nullopt;
    std::array<char, 512> data{};
    std::array<char, 64> control{};
    Received received;
    iovec part{data.data(), data.size()};
    msghdr message{};
    message.msg_name = &received.from;
    message.msg_namelen = sizeof received.from;
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const auto size = ::recvmsg(socket.get(), &message, MSG_DONTWAIT);
    if (size < 0)
        return std::nullopt; // an ICMP error of an earlier datagram
    received.payload.assign(data.data(), static_cast<std::size_t>(size));
    for (auto *header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header))
        if (header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_TOS)
            received.tos = *reinterpret_cast<const std::uint8_t *>(CMSG_DATA(header));
    return received;
}

} // namespace

InspectedStream::InspectedStream(std::string tenant, const Namespace &client, const Namespace &server,
                                 const std::string &server_address, std::chrono::milliseconds pause)
    : tenant_(std::move(tenant)) {
    const SocketAddress any("0.0.0.0", port), to(server_address, port);
    server_ = server.call([&] {
        auto socket = datagram_socket();
        bind_to(socket, any);
        return socket;
    });
    client_ = client.call([&] {
        auto socket = datagram_socket();
        if (::connect(socket.get(), to.raw(), to.length) != 0)
            throw std::runtime_error("cannot connect a datagram socket");
        return socket;
    });
    serving_ = std::thread([this] { serve(); });
    sending_ = std::thread([this, pause] { send(pause); });
}

InspectedStream::~InspectedStream() {
    stop_ = true;
    sending_.join();
    serving_.join();
}

InspectedStream::Tally InspectedStream::tally() const {
    return {sent_, echoed_, uninspected_, foreign_};
}

bool InspectedStream::passes(std::chrono::milliseconds timeout) const {
    const auto before = echoed_.load();
    return eventually(timeout, [&] { return echoed_ > before; });
}

void InspectedStream::judge(const std::string &payload, int tos) {
    if (!payload.starts_with(tenant_ + " "))
        ++foreign_;
    if (tos != inspected_tos)
        ++uninspected_;
}

void InspectedStream::serve() {
    while (!stop_)
        if (const auto seen = receive(server_)) {
            judge(seen->payload, seen->tos);
            (void)::sendto(server_.get(), seen->payload.data(), seen->payload.size(), MSG_DONTWAIT,
                           reinterpret_cast<const sockaddr *>(&seen->from), sizeof seen->from);
        }
}

void InspectedStream::send(std::chrono::milliseconds pause) {
    auto next = std::chrono::steady_clock::now();
    while (!stop_) {
        if (std::chrono::steady_clock::now() >= next) {
            next += pause;
            const auto text = fmt::format("{} {}", tenant_, sent_++);
            (void)::send(client_.get(), text.data(), text.size(), MSG_DONTWAIT);
        }
        if (!wait_for(client_, POLLIN, 1ms))
            continue;
        if (const auto seen = receive(client_)) {
            judge(seen->payload, seen->tos);
            ++echoed_;
        }
    }
}

} // namespace glb::test
