// Capture: the inner flows, with their directions, that pass an appliance's interface.
#pragma once

#include <array>
#include <atomic>
#include <compare>
#include <cstdint>
#include <map>
#include <netinet/in.h>
#include <thread>

#include "tests/harness/bytes.h"
#include "tests/harness/netns.h"

namespace glb::test {

/// The canonical tuple of an inner packet: endpoint a is the lesser one, so that both directions have one
/// key.
struct InnerFlow {
    std::uint8_t ip_proto = 0;
    std::array<std::uint8_t, 18> a{}, b{}; ///< address (IPv4 in the first four bytes), port
    auto operator<=>(const InnerFlow &) const = default;
};

struct PacketCounts {
    std::array<std::uint64_t, 2> to_appliance{}; ///< index 0: sent by endpoint a; 1: sent by endpoint b
    std::array<std::uint64_t, 2> from_appliance{};
};

class Capture {
  public:
    /// Counts GENEVE packets to and from `dev` until flows() is called.
    Capture(const Namespace &ns, const std::string &dev = "eth0");
    ~Capture();
    Capture(const Capture &) = delete;
    Capture &operator=(const Capture &) = delete;

    /// Stops the capture.
    const std::map<InnerFlow, PacketCounts> &flows();
    /// GENEVE packets captured so far, both directions.
    [[nodiscard]] std::uint64_t packets() const { return packets_; }

  private:
    void run();
    void count_frame(ByteView frame, bool outgoing);

    Fd socket_;
    std::atomic<bool> stop_{false};
    std::atomic<std::uint64_t> packets_{0};
    std::map<InnerFlow, PacketCounts> flows_;
    std::thread thread_;
};

} // namespace glb::test
