// Traffic during upgrades: open TCP flows, UDP at 10,000 packets a second, a verified TCP stream.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/netns/testbed/backlog.h"
#include "tests/netns/testbed/testbeds.h"

namespace glb::test {

/// A TCP stream of a known byte sequence, sent for the object's lifetime and compared on arrival.
class VerifiedStream {
  public:
    VerifiedStream(const Namespace &client, const Namespace &server, std::uint16_t port);
    ~VerifiedStream();
    VerifiedStream(const VerifiedStream &) = delete;
    VerifiedStream &operator=(const VerifiedStream &) = delete;

    [[nodiscard]] std::uint64_t received() const { return received_; }
    [[nodiscard]] bool intact() const { return !broken_; } ///< no wrong byte, and the connection is open

  private:
    void send_all();
    void receive_all();

    Fd listener_, sender_, receiver_;
    std::atomic<bool> stop_{false}, broken_{false};
    std::atomic<std::uint64_t> received_{0};
    std::thread sending_, receiving_;
};

struct LoadTally {
    std::uint64_t sent = 0, lost = 0, duplicate = 0;
};

class Load {
  public:
    static constexpr std::size_t tcp_flows = 300;
    explicit Load(const TwoArm &testbed);

    /// Returns once all traffic passes. Throws std::runtime_error otherwise.
    void begin();
    [[nodiscard]] std::uint64_t sent() const;
    void wait_for(std::uint64_t datagrams) const; ///< until as many more have been sent
    LoadTally finish();

    LongBacklog backlog;
    TcpServer echo;
    UdpEcho udp;
    TcpFlows flows;
    VerifiedStream download;

  private:
    std::vector<std::unique_ptr<UdpStream>> streams_;
};

/// Target and state by source, of the TCP flows that a daemon lists.
std::map<std::string, std::string> targets_of(const json &flows);

} // namespace glb::test
