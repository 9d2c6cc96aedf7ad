// TCP and UDP echo servers for any number of connections.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>
#include <unordered_map>

#include "tests/harness/netns.h"

namespace glb::test {

/// A TCP server either echoes everything, or sends one HTTP response to each connection and closes it.
enum class Reply { echo, http_ok };

/// A server on one port of a namespace, IPv4 and IPv6, in one thread with epoll. It listens once constructed.
class TcpServer {
  public:
    TcpServer(const Namespace &ns, std::uint16_t port, Reply reply = Reply::echo);
    ~TcpServer();
    TcpServer(const TcpServer &) = delete;
    TcpServer &operator=(const TcpServer &) = delete;

    [[nodiscard]] std::size_t accepted() const { return accepted_; }

  private:
    void serve();
    void accept_all();
    void respond(int connection);

    Fd listener_, epoll_, stop_;
    Reply reply_;
    std::unordered_map<int, Fd> connections_;
    std::atomic<std::size_t> accepted_{0};
    std::thread thread_;
};

/// The same over UDP. The kernel chooses the source address of replies by routing: send to the server's
/// primary address.
class UdpEcho {
  public:
    UdpEcho(const Namespace &ns, std::uint16_t port);
    ~UdpEcho();
    UdpEcho(const UdpEcho &) = delete;
    UdpEcho &operator=(const UdpEcho &) = delete;

    [[nodiscard]] std::size_t received() const { return received_; }

  private:
    void serve();

    Fd socket_, stop_;
    std::atomic<std::size_t> received_{0};
    std::thread thread_;
};

} // namespace glb::test
