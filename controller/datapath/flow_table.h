// FlowTable: the data path's flow table, read through mmap while all CPUs write it. No locks, no system
// calls.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "abi/flow.h"
#include "controller/observe/flow_query.h"
#include "controller/util/address.h"
#include "controller/util/result.h"

namespace glb {

/// Idle timeouts of a target group, in ticks (GLB_TICK_SHIFT); the defaults are what the data path assumes of
/// a target that it does not know.
struct IdleTimeouts {
    std::uint32_t tcp_ticks = 350 * GLB_TICKS_PER_SECOND;
    std::uint32_t other_ticks = 120 * GLB_TICKS_PER_SECOND;
};

/// By target index; an index beyond the end has the defaults.
using TargetTimeouts = std::vector<IdleTimeouts>;

/// What one word of the hot array says of its flow.
struct FlowMeta {
    std::uint64_t word = 0;

    [[nodiscard]] std::uint16_t target() const { return static_cast<std::uint16_t>(glb_meta_target(word)); }
    [[nodiscard]] std::uint8_t generation() const {
        return static_cast<std::uint8_t>(glb_meta_generation(word));
    }
    [[nodiscard]] FlowState state() const;
    /// Ticks since its last packet at `now`. 0 where another CPU's clock is ahead.
    [[nodiscard]] std::uint32_t idle(std::uint32_t now) const;
    /// False once its idle timeout has passed: the entry is free for others, though it still names its
    /// target.
    [[nodiscard]] bool live(std::uint32_t now, const TargetTimeouts &timeouts) const;
};

struct FlowTotals {
    std::uint64_t packets = 0; ///< wraps at 2^32
    std::uint64_t bytes = 0;   ///< of inner packets, from their IP header on
    bool operator==(const FlowTotals &) const = default;
};

/// One flow as it was at one moment. Source and destination are those of its first packet.
struct FlowRow {
    FlowMeta meta;
    std::uint32_t cookie = 0;   ///< slot (24 bits) and generation (8)
    std::uint32_t endpoint = 0; ///< index
    std::uint8_t protocol = 0;
    IpAddress source;
    IpAddress destination;
    std::uint16_t source_port = 0; ///< host order; of an ICMP echo the identifier, in both; else 0
    std::uint16_t destination_port = 0;
    std::uint32_t start_tick = 0;
    FlowTotals out;  ///< both orientations, to the target
    FlowTotals back; ///< both orientations, from it
};

class FlowTable {
  public:
    /// Maps the arrays glb_flows_hot and glb_flows_cold, which have `capacity` entries each, for reading. The
    /// descriptors are not needed afterwards.
    [[nodiscard]] static Result<FlowTable> map(int hot_fd, int cold_fd, std::uint32_t capacity);
    /// A table in memory that outlives this object.
    FlowTable(const glb_flow_hot *hot, const glb_flow_cold *cold, std::uint32_t capacity);

    [[nodiscard]] std::uint32_t capacity() const { return capacity_; }

    /// The flow at `slot` (below capacity()), from one line; none where it is free, or being written just
    /// now.
    [[nodiscard]] std::optional<FlowMeta> meta(std::uint32_t slot) const;

    /// The index of the endpoint of the flow that meta() has just told of; none where another one has its
    /// place by now.
    [[nodiscard]] std::optional<std::uint32_t> endpoint(std::uint32_t slot, const FlowMeta &meta) const;

    /// The next hops (indexes of glb_next_hops) of the flow's two orientations, where a packet was sent by
    /// them at most `age` ticks before `now`.
    [[nodiscard]] std::array<std::optional<std::uint16_t>, 2> next_hops(std::uint32_t slot, std::uint32_t now,
                                                                        std::uint32_t age) const;

    /// All of it, from two lines. Never of two flows: what changes hands meanwhile is read again, and after
    /// some attempts passed over. Of a flow under traffic the counters may be of slightly different moments,
    /// and a byte counter that wraps just then may be 2^32 short.
    [[nodiscard]] std::optional<FlowRow> row(std::uint32_t slot) const;

  private:
    struct Unmap {
        std::size_t bytes = 0; ///< 0: not ours
        void operator()(const void *memory) const;
    };
    template <typename Line>
    using Mapped = std::unique_ptr<const Line[], Unmap>;
    template <typename Line>
    static Result<Mapped<Line>> map_lines(int fd, std::uint32_t capacity);

    FlowTable(Mapped<glb_flow_hot> hot, Mapped<glb_flow_cold> cold, std::uint32_t capacity)
        : hot_(std::move(hot)), cold_(std::move(cold)), capacity_(capacity) {}

    Mapped<glb_flow_hot> hot_;
    Mapped<glb_flow_cold> cold_;
    std::uint32_t capacity_;
};

/// Whole seconds of a number of ticks.
[[nodiscard]] std::uint64_t ticks_to_seconds(std::uint32_t ticks);

} // namespace glb
