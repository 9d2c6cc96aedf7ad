// A group of appliances, its flows and the data path's counters, simulated event by event, under a
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

/// How long an appliance takes for a packet; none: it keeps it. In-band probes come as packets of endpoint
/// -1.
using Treat = std::function<std::optional<Micros>(const SimPacket &)>;

struct FlowPlan {
    int endpoint = 0;
    std::optional<std::uint16_t> target = std::nullopt; ///< else by chance, among those that are not ejected
    Micros start{};
    Micros pause = 10ms; ///< between packets, on average
    Micros end = 24h;
    bool syn = true; ///< while nothing has come back it sends again after 1 s, 3 s, 7 s, and nothing else
};

class TrafficSim {
  public:
    TrafficSim(unsigned seed, unsigned targets, Treat treat, DetectorSettings settings = {});

    void add(const FlowPlan &plan);
    /// The controller does not run between `from` and `to`.
    void stall(Micros from, Micros to) { stalls_.emplace_back(from, to); }
    /// Every target is probed in-band that often; zero: never.
    void background(Micros pause) { background_ = pause; }
    void run(Micros end);

    [[nodiscard]] std::size_t count(DetectorAction::Kind kind) const;
    struct Told {
        Micros at;
        DetectorAction order;
    };
    [[nodiscard]] const std::vector<Told> &told() const { return told_; }
    [[nodiscard]] std::optional<Micros> convicted_at(std::uint16_t target) const;
    [[nodiscard]] const TargetCounters &traffic(std::uint16_t target) const { return traffic_[target]; }
    Micros chance(Micros least, Micros most) {
        return Micros(std::uniform_int_distribution<long long>(least.count(), most.count())(random_));
    }
    bool chance(double share) { return std::bernoulli_distribution(share)(random_); }
    [[nodiscard]] Micros now() const { return now_; }

  private:
    struct Flow {
        FlowPlan plan{};
        std::uint16_t target = 0;
        bool tried = false;
        int returns = 0;
        bool waits = false;
        int syns = 0;
    };
    enum class What : std::uint8_t { begin, send, come_back, poll, probe, answer, missed };
    struct Event {
        Micros at;
        std::uint64_t number;
        What what;
        bool flag;         ///< come_back: it was the flow's first packet; probe: a periodic one
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
    void come_back(std::size_t flow, bool was_first);
    void poll();
    void probe(std::uint16_t target, bool is_background);
    static OutlierDetector::Time clock(Micros at) { return OutlierDetector::Time(at + 1h); }

    std::mt19937 random_;
    Treat treat_;
    OutlierDetector judge_;
    std::vector<TargetCounters> traffic_;
    std::vector<Flow> flows_;
    std::set<int> endpoints_back_;
    std::set<std::pair<int, std::uint16_t>> pairs_;
    std::vector<std::pair<Micros, Micros>> stalls_;
    Micros background_{1s};
    std::priority_queue<Event> events_;
    std::uint64_t number_ = 0;
    Micros now_{};
    std::vector<Told> told_;
};

} // namespace glb::test
