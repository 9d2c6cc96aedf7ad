// Clients: thousands of open TCP flows, and a UDP stream whose losses are counted.
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

/// The endpoints of a TCP flow. The kernel chooses a source that is empty.
struct FlowTuple {
    std::string source, destination;
    std::uint16_t source_port = 0, destination_port = 0;
};

/// TCP connections of one namespace to echo servers, all open at once.
class TcpFlows {
  public:
    explicit TcpFlows(const Namespace &from);

    /// Opens all of `tuples` in batches. Returns how many connections were established within `timeout`.
    std::size_t open(const std::vector<FlowTuple> &tuples, milliseconds timeout = std::chrono::seconds(30));

    /// Sends a line on every flow. Returns how many flows received its echo within `timeout`.
    std::size_t exchange(milliseconds timeout = std::chrono::seconds(30));

    /// Closes all flows, with `reset` by RST instead of FIN.
    void close(bool reset = false);

    [[nodiscard]] std::size_t size() const { return sockets_.size(); }

  private:
    std::size_t connect_batch(const std::vector<FlowTuple> &tuples, std::size_t first, std::size_t last,
                              std::chrono::steady_clock::time_point deadline);
    std::size_t exchange_batch(std::size_t first, std::size_t last,
                               std::chrono::steady_clock::time_point deadline);

    const Namespace &from_;
    std::vector<Fd> sockets_;
    std::uint64_t round_ = 0;
};

/// True if a TCP connection is established and echoes within `timeout`.
[[nodiscard]] bool tcp_works(const Namespace &from, const std::string &destination, std::uint16_t port,
                             milliseconds timeout = std::chrono::seconds(5));

/// Numbered datagrams to an echo server at a steady rate. Each is expected to be echoed once.
class UdpStream {
  public:
    struct Tally {
        std::uint64_t sent = 0;
        std::uint64_t echoed = 0;    ///< distinct datagrams
        std::uint64_t duplicate = 0; ///< further echoes of the same datagrams
        [[nodiscard]] std::uint64_t lost() const { return sent - echoed; }
    };
    UdpStream(const Namespace &from, const std::string &destination, std::uint16_t port,
              unsigned packets_per_second, std::size_t bytes = 100);
    ~UdpStream();
    UdpStream(const UdpStream &) = delete;
    UdpStream &operator=(const UdpStream &) = delete;

    [[nodiscard]] std::uint64_t sent() const { return sent_; }
    [[nodiscard]] std::uint64_t echoed() const { return echoed_; }
    /// Stops sending, and counts once every datagram was echoed or nothing was received for a second.
    Tally finish();
    /// Datagrams without an echo among numbers [first, last). Only after finish().
    [[nodiscard]] std::uint64_t lost_between(std::uint64_t first, std::uint64_t last) const;

  private:
    void run(std::chrono::nanoseconds pause, std::size_t bytes);
    bool receive();

    Fd socket_;
    std::atomic<bool> stop_{false};
    std::atomic<std::uint64_t> sent_{0}, echoed_{0}, duplicate_{0};
    std::vector<bool> received_; ///< by number; owned by the thread until finish()
    std::thread thread_;
};

} // namespace glb::test
