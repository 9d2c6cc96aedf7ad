// UDP flows that each send at a steady rate, and the longest time that any of them went without a reply.
#pragma once

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "tests/harness/netns.h"
#include "tests/netns/testbed/sockets.h"

namespace glb::test {

class PacedFlows {
  public:
    using Clock = std::chrono::steady_clock;

    /// Starts `count` flows to an echo server, each of which sends a datagram every `interval`.
    PacedFlows(const Namespace &from, const std::string &destination, std::uint16_t port, std::size_t count,
               std::chrono::milliseconds interval);
    ~PacedFlows();
    PacedFlows(const PacedFlows &) = delete;
    PacedFlows &operator=(const PacedFlows &) = delete;

    /// Starts to measure gaps and delays.
    void start_measuring() { measuring_ = true; }
    [[nodiscard]] std::size_t size() const { return flows_.size(); }
    [[nodiscard]] std::uint64_t sent() const { return sent_; }
    [[nodiscard]] std::uint64_t replied() const { return replied_; }
    [[nodiscard]] std::uint64_t lost() const { return sent_ - replied_; } ///< exact after finish()
    /// Flows that received a reply in the last 50 ms.
    [[nodiscard]] std::size_t served() const { return served_; }
    /// Source ports of the other flows, with the error of their last send().
    [[nodiscard]] std::string describe_unserved() const;

    struct Gaps {
        std::chrono::microseconds longest{}; ///< between two replies of one flow, of the worst flow
        /// By which the sending thread itself was late at most: a measure of the machine's load.
        std::chrono::microseconds sender_delay{};
    };
    /// Stops sending and waits for replies in flight. Returns the gaps since start_measuring().
    Gaps finish();

    /// Flows that received a reply after `time`. Only after finish().
    [[nodiscard]] std::size_t replied_after(Clock::time_point time) const;

  private:
    struct Flow {
        Fd socket;
        Clock::time_point next, last_reply;
        Clock::duration longest{};
        int error = 0; // of the last send()
    };
    void run(std::chrono::milliseconds interval);
    void send_due(Flow &flow, Clock::time_point now, std::chrono::milliseconds interval);
    bool receive(Flow &flow);
    void drain();

    std::vector<Flow> flows_;
    Clock::duration sender_delay_{}; ///< read after join()
    std::atomic<bool> stop_{false}, measuring_{false};
    std::atomic<std::size_t> served_{0};
    std::atomic<std::uint64_t> sent_{0}, replied_{0};
    std::thread thread_;
};

} // namespace glb::test
