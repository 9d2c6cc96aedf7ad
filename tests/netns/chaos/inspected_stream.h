// A tenant's datagrams to its server and back. Each carries the tenant's name, and the DSCP that appliances set on
// what they inspect, so that both ends can tell whose a datagram is and whether it was inspected.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>

#include "tests/harness/netns.h"

namespace glb::test {

/// IPv4's TOS byte of DSCP CS1.
constexpr std::uint8_t inspected_tos = 0x20;

class InspectedStream {
  public:
    struct Tally {
        std::uint64_t sent = 0, echoed = 0;
        std::uint64_t uninspected = 0; ///< datagrams, at either end
        std::uint64_t foreign = 0;     ///< of another tenant, at either end
    };

    /// Sends from `client` to `server` (an address of that namespace), port 7001, every `pause`.
    InspectedStream(std::string tenant, const Namespace &client, const Namespace &server,
                    const std::string &server_address, std::chrono::milliseconds pause);
    ~InspectedStream();
    InspectedStream(const InspectedStream &) = delete;
    InspectedStream &operator=(const InspectedStream &) = delete;

    [[nodiscard]] Tally tally() const;
    [[nodiscard]] const std::string &tenant() const { return tenant_; }
    /// Whether a datagram that is sent from now on is echoed within `timeout`.
    [[nodiscard]] bool passes(std::chrono::milliseconds timeout) const;

  private:
    void serve();
    void send(std::chrono::milliseconds pause);
    void judge(const std::string &payload, int tos);

    std::string tenant_;
    Fd server_, client_;
    std::atomic<bool> stop_{false};
    std::atomic<std::uint64_t> sent_{0}, echoed_{0}, uninspected_{0}, foreign_{0};
    std::thread serving_, sending_;
};

} // namespace glb::test
