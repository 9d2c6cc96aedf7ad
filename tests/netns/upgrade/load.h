// What runs through every upgrade: TCP flows held open, UDP at 10,000 packets a second, a download that is
// checked.
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

/// A TCP stream of a known sequence of bytes, sent for as long as it lives, and compared as it arrives.
class Download {
  public:
    Download(const Namespace &client, const Namespace &server, std::uint16_t port);
    ~Download();
    Download(const Download &) = delete;
    Download &operator=(const Download &) = delete;

    [[nodiscard]] std::uint64_t received() const { return received_; }
    [[nodiscard]] bool intact() const { return !broken_; } ///< no byte was wrong, and the connection stands

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
    explicit Load(const TwoArm &world);

    /// Returns once everything flows; throws what does not.
    void begin();
    [[nodiscard]] std::uint64_t sent() const;
    void wait_for(std::uint64_t datagrams) const; ///< more than were sent when it was called
    LoadTally finish();

    LongBacklog backlog;
    TcpServer echo;
    UdpEcho udp;
    TcpFlows flows;
    Download download;

  private:
    std::vector<std::unique_ptr<UdpStream>> streams_;
};

/// Target by source, of the TCP flows that a daemon lists.
std::map<std::string, std::string> targets_of(const json &flows);

} // namespace glb::test
