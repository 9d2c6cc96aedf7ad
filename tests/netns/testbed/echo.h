// Servers of a test's own: they send back what comes, over TCP and UDP, on any number of connections.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>
#include <unordered_map>

#include "tests/harness/netns.h"

namespace glb::test {

/// What a TCP server says to a connection: everything back, or one HTTP answer to each, and the end.
enum class Talk { echo, http_ok };

/// A server on one port of a namespace, IPv4 and IPv6, in one thread with epoll. It listens when it is made.
class TcpServer {
  public:
    TcpServer(const Namespace &ns, std::uint16_t port, Talk talk = Talk::echo);
    ~TcpServer();
    TcpServer(const TcpServer &) = delete;
    TcpServer &operator=(const TcpServer &) = delete;

    [[nodiscard]] std::size_t accepted() const { return accepted_; }

  private:
    void serve();
    void accept_all();
    void answer(int connection);

    Fd listener_, epoll_, stop_;
    Talk talk_;
    std::unordered_map<int, Fd> connections_;
    std::atomic<std::size_t> accepted_{0};
    std::thread thread_;
};

/// The same over UDP. Answers come from the address that routing chooses: ask at the server's own.
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
