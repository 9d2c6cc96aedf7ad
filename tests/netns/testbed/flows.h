// Clients of a test's own: thousands of TCP flows held open, and a stream of UDP whose losses are counted.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/harness/netns.h"

namespace glb::test {

/// A TCP flow's two ends; a source without an address is chosen by the kernel.
struct FlowEnds {
    std::string source, destination;
    std::uint16_t source_port = 0, destination_port = 0;
};

/// TCP connections of one namespace to echo servers, all open at once.
class TcpFlows {
  public:
    explicit TcpFlows(const Namespace &from);

    /// Connects to all of `ends`, some at a time; returns how many connections stand within `timeout`.
    std::size_t open(const std::vector<FlowEnds> &ends, milliseconds timeout = std::chrono::seconds(30));

    /// Sends a line on every flow; returns on how many the same line came back within `timeout`.
    std::size_t exchange(milliseconds timeout = std::chrono::seconds(30));

    /// Closes all; with `reset` by RST instead of FIN.
    void close(bool reset = false);

    [[nodiscard]] std::size_t size() const { return sockets_.size(); }

  private:
    std::size_t connect_some(const std::vector<FlowEnds> &ends, std::size_t first, std::size_t last,
                             std::chrono::steady_clock::time_point deadline);
    std::size_t exchange_some(std::size_t first, std::size_t last,
                              std::chrono::steady_clock::time_point deadline);

    const Namespace &from_;
    std::vector<Fd> sockets_;
    std::uint64_t round_ = 0;
};

/// True where a TCP connection is made and echoes within `timeout`.
[[nodiscard]] bool tcp_works(const Namespace &from, const std::string &destination, std::uint16_t port,
                             milliseconds timeout = std::chrono::seconds(5));

/// Numbered datagrams to an echo server at a steady rate, each of which is to come back once.
class UdpStream {
  public:
    struct Tally {
        std::uint64_t sent = 0;
        std::uint64_t back = 0;      ///< different datagrams that came back
        std::uint64_t duplicate = 0; ///< those that came back again
        [[nodiscard]] std::uint64_t lost() const { return sent - back; }
    };
    UdpStream(const Namespace &from, const std::string &destination, std::uint16_t port,
              unsigned packets_per_second, std::size_t bytes = 100);
    ~UdpStream();
    UdpStream(const UdpStream &) = delete;
    UdpStream &operator=(const UdpStream &) = delete;

    [[nodiscard]] std::uint64_t sent() const { return sent_; }
    [[nodiscard]] std::uint64_t back() const { return back_; }
    /// Stops sending, and counts once all is back or a second has passed in which nothing came.
    Tally finish();

  private:
    void run(std::chrono::nanoseconds pause, std::size_t bytes);
    bool receive();

    Fd socket_;
    std::atomic<bool> stop_{false};
    std::atomic<std::uint64_t> sent_{0}, back_{0}, duplicate_{0};
    std::vector<bool> seen_;
    std::thread thread_;
};

} // namespace glb::test
