// ReturnWatch: what cannot be decided, but must be visible. Targets to which packets go and from which nothing returns,
// and groups without a healthy target.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "abi/config.h"
#include "controller/util/monotonic_time.h"

namespace glb::health {

class TargetRegistry;

/// Nothing has returned from a target, although packets were sent to it.
struct Silence {
    MonotonicTime since{};     ///< the first of these packets, to a second
    std::uint64_t packets = 0; ///< sent since
    bool operator==(const Silence &) const = default;
};

struct GroupCondition {
    std::optional<MonotonicTime> no_healthy_since; ///< no target is healthy, or alive without checks
    std::optional<MonotonicTime>
        silent_since; ///< all targets with traffic return nothing: a group-wide silence
    bool operator==(const GroupCondition &) const = default;
};

/// Does not affect health: a firewall that denies everything looks the same. Pure: time and counters are arguments.
class ReturnWatch {
  public:
    static constexpr std::uint64_t least_packets = 16; ///< fewer say nothing
    static constexpr std::chrono::seconds least_time{2};
    static constexpr std::chrono::seconds idle_time{
        30}; ///< without packets to it, a target is no longer silent

    using Count = std::function<std::optional<glb_target_count>(std::uint16_t target)>;

    /// To be called once a second. Lines to be logged: conditions that begin or end.
    [[nodiscard]] std::vector<std::string> update(const TargetRegistry &registry, const Count &count,
                                                  MonotonicTime now);

    [[nodiscard]] std::optional<Silence> silence(std::uint16_t target) const;
    /// By name: groups in use.
    [[nodiscard]] const std::map<std::string, GroupCondition> &groups() const { return groups_; }

  private:
    struct Row {
        std::uint64_t out = 0, back = 0; // at the last update
        std::uint64_t out_base = 0;      // when the last packet had returned
        MonotonicTime last_out{};
        std::optional<MonotonicTime> unanswered_since;
        bool is_silent = false;
    };

    static void observe(Row &row, const glb_target_count &count, MonotonicTime now);
    void update_groups(const TargetRegistry &registry, MonotonicTime now, std::vector<std::string> &lines);

    std::map<std::uint16_t, Row> rows_;
    std::map<std::string, GroupCondition> groups_;
};

} // namespace glb::health
