// Discrete-event simulation of a group of appliances, its flows and the data path's counters, with an
// OutlierDetector.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <queue>
#include <random>
#include <set>
#include <vector>

#include "controller/health/outlier_detector.h"

namespace glb::test {

using namespace std::chrono_literals;
using Micros = std::chrono::microseconds;

struct SimPacket {
    std::uint16_t target = 0;
    int endpoint = 0;
    std::size_t flow = 0;
    bool is_first = false;
    Micros at{};
};

/// Processing time of a packet in the appliance; none: the packet is dropped. In-band probes have endpoint
/// -1.
using Treat = std::function<std::optional<Micros>(const SimPacket &)>;

/// The processing time of a healthy appliance.
inline Micros quick(std::mt19937 &random) {
    return Micros(200 + random() % 800);
}

struct FlowPlan {
    int endpoint = 0;
    std::optional<std::uint16_t> target = std::nullopt; ///< else random among those that are not ejected
    Micros start{};
    Micros pause = 10ms; ///< between packets, on average
    Micros end = 24h;
    bool syn = true; ///< retransmits after 1 s, 3 s, 7 s until a packet returns, and sends nothing else
};

class TrafficSim {
  public:
    TrafficSim(unsigned seed, unsigned targets, Treat treat, health::DetectorSettings settings = {});

    void add(const FlowPlan &plan);
    /// The controller does not run between `from` and `to`.
    void stall(Micros from, Micros to) { stalls_.emplace_back(from, to); }
    /// Interval of the in-band probes of each target; zero: none.
    void background(Micros pause) { background_ = pause; }
    void run(Micros end);

    [[nodiscard]] std::size_t count(health::DetectorAction::Kind kind) const;
    struct TimedAction {
        Micros at;
        health::DetectorAction action;
    };
    [[nodiscard]] const std::vector<TimedAction> &actions() const { return actions_; }
    [[nodiscard]] std::optional<Micros> ejected_at(std::uint16_t target) const;
    [[nodiscard]] bool is_ejected(std::uint16_t target) const { return traffic_[target].ejected; }
    [[nodiscard]] const health::TargetCounters &traffic(std::uint16_t target) const {
        return traffic_[target];
    }
    Micros chance(Micros least, Micros most) {
        return Micros(std::uniform_int_distribution<long long>(least.count(), most.count())(random_));
    }
    bool chance(double share) { return std::bernoulli_distribution(share)(random_); }
    [[nodiscard]] Micros now() const { return now_; }

  private:
    struct Flow {
        FlowPlan plan{};
        std::uint16_t target = 0;
        bool started = false;
        int returns = 0;
        bool outstanding = false;
        int syns = 0;
    };
    enum class What : std::uint8_t { begin, send, on_return, poll, probe, answer, missed };
    struct Event {
        Micros at;
        std::uint64_t number;
        What what;
        bool flag;         ///< on_return: first packet of the flow; probe: periodic
        std::size_t index; ///< of a flow, or target
        Micros sent;       ///< answer
        bool operator<(const Event &other) const {
            return std::tie(other.at, other.number) < std::tie(at, number);
        }
    };

    void at(Micros when, What what, std::size_t index = 0, bool flag = false, Micros sent = {}) {
        events_.push({when, ++number_, what, flag, index, sent});
    }
    void act(const Event &event);
    void begin(std::size_t flow);
    void send(std::size_t flow);
    void on_return(std::size_t flow, bool was_first);
    void poll();
    void probe(std::uint16_t target, bool is_background);
    static MonotonicTime clock(Micros at) { return MonotonicTime(at + 1h); }

    std::mt19937 random_;
    Treat treat_;
    health::OutlierDetector detector_;
    std::vector<health::TargetCounters> traffic_;
    std::vector<Flow> flows_;
    std::set<int> endpoints_seen_;
    std::set<std::pair<int, std::uint16_t>> seen_;
    std::vector<std::pair<Micros, Micros>> stalls_;
    std::set<std::uint16_t> in_outage_; ///< ejected in a group-wide outage: the first answer ends it
    Micros outage_probed_{};
    Micros background_{1s};
    std::priority_queue<Event> events_;
    std::uint64_t number_ = 0;
    Micros now_{};
    std::vector<TimedAction> actions_;
};

} // namespace glb::test
