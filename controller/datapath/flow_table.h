// FlowTable: the flow table, read through mmap while all CPUs write it, without locks or system calls.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "abi/flow.h"
#include "controller/datapath/flow_state.h"
#include "controller/datapath/mapped.h"
#include "controller/util/address.h"
#include "controller/util/result.h"

namespace glb::datapath {

/// Idle timeouts of a target group, in ticks (GLB_TICK_SHIFT); the defaults are the data path's for an
/// unconfigured target.
struct IdleTimeouts {
    std::uint32_t tcp_ticks = 350 * GLB_TICKS_PER_SECOND;
    std::uint32_t other_ticks = 120 * GLB_TICKS_PER_SECOND;
};

/// By target index; indexes beyond the end have the defaults.
using TargetTimeouts = std::vector<IdleTimeouts>;

/// The `meta` word of a flow's line in the hot array.
struct FlowMeta {
    std::uint64_t word = 0;

    [[nodiscard]] std::uint16_t target() const { return static_cast<std::uint16_t>(glb_meta_target(word)); }
    [[nodiscard]] std::uint8_t generation() const {
        return static_cast<std::uint8_t>(glb_meta_generation(word));
    }
    [[nodiscard]] FlowState state() const;
    /// Ticks from its last packet to `now`; 0 if another CPU's clock is ahead.
    [[nodiscard]] std::uint32_t idle(std::uint32_t now) const;
    /// False after its idle timeout: the entry may be reused, although its target is still readable.
    [[nodiscard]] bool live(std::uint32_t now, const TargetTimeouts &timeouts) const;
};

struct FlowTotals {
    std::uint64_t packets = 0; ///< wraps at 2^32
    std::uint64_t bytes = 0;   ///< of inner packets, from their IP header on
    bool operator==(const FlowTotals &) const = default;
};

/// A consistent copy of one flow. Source and destination are those of its first packet.
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
    FlowTotals out;  ///< to the target, both orientations
    FlowTotals back; ///< from the target, both orientations
};

class FlowTable {
  public:
    /// Maps the arrays glb_flows_hot and glb_flows_cold, which have `capacity` entries each. The descriptors
    /// may be closed afterwards.
    [[nodiscard]] static Result<FlowTable> map(int hot_fd, int cold_fd, std::uint32_t capacity);
    /// A table in memory that outlives this object.
    FlowTable(const glb_flow_hot *hot, const glb_flow_cold *cold, std::uint32_t capacity);

    [[nodiscard]] std::uint32_t capacity() const { return static_cast<std::uint32_t>(hot_.size()); }

    /// The flow at `slot` (below capacity()), from one cache line; none if the entry is free or being
    /// written.
    [[nodiscard]] std::optional<FlowMeta> meta(std::uint32_t slot) const;

    /// The endpoint index of the flow that meta() returned; none if another flow has replaced it.
    [[nodiscard]] std::optional<std::uint32_t> endpoint(std::uint32_t slot, const FlowMeta &meta) const;

    /// The next hops (indexes of glb_next_hops) of the flow's two orientations, if a packet used them at
    /// most `age` ticks before `now`.
    [[nodiscard]] std::array<std::optional<std::uint16_t>, 2> next_hops(std::uint32_t slot, std::uint32_t now,
                                                                        std::uint32_t age) const;

    /// The whole flow, from two cache lines. Never a mixture of two flows: an entry that is replaced
    /// meanwhile is read again, and skipped after some attempts. Under traffic the counters may be from
    /// slightly different moments, and a byte counter that wraps during the read may be 2^32 short.
    [[nodiscard]] std::optional<FlowRow> row(std::uint32_t slot) const;

  private:
    FlowTable(Mapped<const glb_flow_hot> hot, Mapped<const glb_flow_cold> cold)
        : hot_(std::move(hot)), cold_(std::move(cold)) {}

    Mapped<const glb_flow_hot> hot_;
    Mapped<const glb_flow_cold> cold_;
};

/// Whole seconds in a number of ticks.
[[nodiscard]] std::uint64_t ticks_to_seconds(std::uint32_t ticks);

} // namespace glb::datapath
