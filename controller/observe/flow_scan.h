// FlowScanner: a scan of the flow table in slices of bounded time. FlowStatsScan: counts flows.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <vector>

#include "controller/datapath/flow_table.h"
#include "controller/observe/flow_query.h"
#include "controller/util/monotonic_time.h"

namespace glb::observe {

class FlowScanner {
  public:
    using Clock = std::function<MonotonicTime()>;

    /// `table` must outlive it.
    explicit FlowScanner(const datapath::FlowTable &table, Clock clock = std::chrono::steady_clock::now)
        : table_(table), clock_(std::move(clock)) {}

    /// Continues where the last step ended: calls `visit` with each slot until it returns false or `budget`
    /// is used up. Every step visits at least one slot. True: all slots have been visited.
    [[nodiscard]] bool step(std::chrono::nanoseconds budget, const std::function<bool(std::uint32_t)> &visit);

    static constexpr std::uint32_t stride = 256; ///< slots between two readings of the clock

  private:
    const datapath::FlowTable &table_;
    Clock clock_;
    std::uint32_t next_ = 0;
};

/// Live entries: those whose idle timeout has not passed.
struct FlowStats {
    std::uint64_t active = 0;
    std::array<std::uint64_t, 4> by_state{}; ///< by FlowState; they add up to `active`
    std::vector<std::uint64_t> by_target;    ///< by target index; GLB_MAX_TARGETS of them
    std::optional<std::set<std::uint32_t>>
        endpoints; ///< indexes of those that have flows; nullopt: not requested

    std::set<std::uint16_t> next_hops; ///< indexes of glb_next_hops that a packet has used within `recently`

    static constexpr std::uint32_t recently = 30 * GLB_TICKS_PER_SECOND;

    [[nodiscard]] std::uint64_t of(datapath::FlowState state) const {
        return by_state[static_cast<std::size_t>(state)];
    }
};

/// TCP flows of which the appliance returns one orientation only (asymmetric routes, one-way inspection). A
/// flow is counted once, when two consecutive scans find it in that state: a handshake in progress is not.
class AsymmetricTcpDetector {
  public:
    /// `meta` of the live flow in `slot`; null: there is none.
    void add(std::uint32_t slot, const datapath::FlowMeta *meta);
    [[nodiscard]] std::uint64_t total() const { return total_; } ///< since construction

  private:
    std::vector<std::uint8_t> generations_;
    std::vector<bool> half_; ///< at the last scan
    std::vector<bool> counted_;
    std::uint64_t total_ = 0;
};

class FlowStatsScan {
  public:
    /// `now` in ticks. `table` and `one_way` (may be null) must outlive it. `of_endpoints` reads
    /// another cache line of each flow.
    FlowStatsScan(const datapath::FlowTable &table, datapath::TargetTimeouts timeouts, std::uint32_t now,
                  AsymmetricTcpDetector *one_way = nullptr, bool of_endpoints = false);

    /// As FlowScanner::step().
    [[nodiscard]] bool step(std::chrono::nanoseconds budget);
    [[nodiscard]] const FlowStats &count() const { return count_; } ///< of the slots visited so far

  private:
    void visit(std::uint32_t slot);

    const datapath::FlowTable &table_;
    FlowScanner scanner_;
    datapath::TargetTimeouts timeouts_;
    std::uint32_t now_;
    AsymmetricTcpDetector *one_way_;
    FlowStats count_;
};

/// Counts the whole table in one call; see FlowStatsScan.
[[nodiscard]] FlowStats count_flows(const datapath::FlowTable &table, datapath::TargetTimeouts timeouts,
                                    std::uint32_t now, AsymmetricTcpDetector *one_way = nullptr,
                                    bool of_endpoints = false);

} // namespace glb::observe
