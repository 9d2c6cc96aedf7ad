// FlowScanner: the whole table in slices, so that an event loop is never held for long. FlowStatsScan: what a
// scan counts.
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

namespace glb {

class FlowScanner {
  public:
    using Clock = std::function<std::chrono::steady_clock::time_point()>;

    /// `table` must outlive it.
    explicit FlowScanner(const datapath::FlowTable &table, Clock clock = std::chrono::steady_clock::now)
        : table_(table), clock_(std::move(clock)) {}

    /// Goes on from where the last step ended: calls `visit` with slot after slot until `budget` is used up.
    /// Every step visits `stride` slots at least, so a scan always ends. True: all slots are through.
    [[nodiscard]] bool step(std::chrono::nanoseconds budget, const std::function<void(std::uint32_t)> &visit);

    static constexpr std::uint32_t stride = 256; ///< slots between two looks at the clock

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
        endpoints; ///< by index, that had any when the scan began; none: not asked

    std::set<std::uint16_t>
        next_hops; ///< indexes of glb_next_hops by which a packet came back within `recently`

    static constexpr std::uint32_t recently = 30 * GLB_TICKS_PER_SECOND;

    [[nodiscard]] std::uint64_t of(FlowState state) const {
        return by_state[static_cast<std::size_t>(state)];
    }
};

/// TCP flows that stay half: more than a SYN came back, and of one orientation alone (asymmetric routes,
/// one-way inspection). Each is counted once, when a second scan still finds it so: a handshake under way is
/// none.
class AsymmetricTcpDetector {
  public:
    /// Tells of `slot` what this scan found: the meta of a live flow, or nothing.
    void see(std::uint32_t slot, const datapath::FlowMeta *meta);
    [[nodiscard]] std::uint64_t total() const { return total_; } ///< since its making

  private:
    std::vector<std::uint8_t> generations_;
    std::vector<bool> half_; ///< at the last scan
    std::vector<bool> counted_;
    std::uint64_t total_ = 0;
};

class FlowStatsScan {
  public:
    /// `now` in ticks. `table` and `one_way` (may be null) must outlive it. `of_endpoints` costs another line
    /// of each flow.
    FlowStatsScan(const datapath::FlowTable &table, datapath::TargetTimeouts timeouts, std::uint32_t now,
                  AsymmetricTcpDetector *one_way = nullptr, bool of_endpoints = false);

    /// As FlowScanner::step().
    [[nodiscard]] bool step(std::chrono::nanoseconds budget);
    [[nodiscard]] const FlowStats &count() const { return count_; } ///< of what is through so far

  private:
    const datapath::FlowTable &table_;
    FlowScanner scanner_;
    datapath::TargetTimeouts timeouts_;
    std::uint32_t now_;
    AsymmetricTcpDetector *one_way_;
    FlowStats count_;
};

/// The census of the whole table at once.
[[nodiscard]] FlowStats count_flows(const datapath::FlowTable &table, datapath::TargetTimeouts timeouts,
                                    std::uint32_t now);

} // namespace glb
