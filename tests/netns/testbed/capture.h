// Witness: which inner flows an appliance saw, and in which direction, by looking at its wire.
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

/// The two ends of an inner packet, the lesser one first, so that both directions have one key.
struct InnerFlow {
    std::uint8_t ip_proto = 0;
    std::array<std::uint8_t, 18> low{}, high{}; ///< address (IPv4 in the first four bytes), port
    auto operator<=>(const InnerFlow &) const = default;
};

struct SeenPackets {
    std::array<std::uint64_t, 2> to_appliance{}; ///< by orientation: sent by the lesser end, by the greater
    std::array<std::uint64_t, 2> back{};
};

class Witness {
  public:
    /// Counts GENEVE packets to and from `dev` until seen() is called.
    Witness(const Namespace &ns, const std::string &dev = "eth0");
    ~Witness();
    Witness(const Witness &) = delete;
    Witness &operator=(const Witness &) = delete;

    /// Ends the watch.
    const std::map<InnerFlow, SeenPackets> &seen();
    /// GENEVE packets in both directions so far.
    [[nodiscard]] std::uint64_t packets() const { return packets_; }

  private:
    void watch();
    void note(ByteView frame, bool outgoing);

    Fd socket_;
    std::atomic<bool> stop_{false};
    std::atomic<std::uint64_t> packets_{0};
    std::map<InnerFlow, SeenPackets> seen_;
    std::thread thread_;
};

} // namespace glb::test
