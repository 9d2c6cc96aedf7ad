// UDP flows that each send at a steady pace, and note how long any of them went without an answer.
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
    /// `count` flows to an echo server, a datagram each every `pause`, from now on.
    PacedFlows(const Namespace &from, const std::string &destination, std::uint16_t port, std::size_t count,
               std::chrono::milliseconds pause);
    ~PacedFlows();
    PacedFlows(const PacedFlows &) = delete;
    PacedFlows &operator=(const PacedFlows &) = delete;

    /// From now on gaps are measured.
    void watch() { watching_ = true; }
    [[nodiscard]] std::uint64_t sent() const { return sent_; }
    [[nodiscard]] std::uint64_t answered() const { return answered_; }
    /// Flows that had an answer in the last 50 ms.
    [[nodiscard]] std::size_t served() const { return served_; }
    /// The source ports of flows that had none, with what the last send() said.
    [[nodiscard]] std::string unserved() const;
    /// Ends it. The longest time between two answers of one flow since watch(), of the worst flow.
    std::chrono::microseconds finish();

  private:
    using Clock = std::chrono::steady_clock;
    struct Flow {
        Fd socket;
        Clock::time_point next, answered;
        Clock::duration longest{};
        int error = 0; // of the last send()
    };
    void run(std::chrono::milliseconds pause);
    void take_answers(Flow &flow, Clock::time_point now);

    std::vector<Flow> flows_;
    std::atomic<bool> stop_{false}, watching_{false};
    std::atomic<std::size_t> served_{0};
    std::atomic<std::uint64_t> sent_{0}, answered_{0};
    std::thread thread_;
};

} // namespace glb::test
