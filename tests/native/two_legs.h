// Both legs of the native data path on a simulated clock. Results are frames, counters and the list of flows, so
// that tests do not depend on the layout of the flow table.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <vector>

#include <linux/bpf.h>

#include "controller/datapath/flow_table.h"
#include "tests/harness/packet.h"
#include "tests/native/native_rig.h"
#include "tests/native/sample.h"

namespace glb::test {

class TwoLegs : public NativeRig {
  public:
    TwoLegs() { route_by(0); }

    /// Sends a client's packet. The frame is that to the target, if the packet was sent to one.
    NativeOutcome out(const Packet &inner) { return send(from_client(inner)); }
    /// Returns `sent` from the target that received it: outer addresses swapped, the rest unchanged.
    NativeOutcome back(Bytes sent) {
        std::swap_ranges(sent.begin(), sent.begin() + 6, sent.begin() + 6);
        std::swap_ranges(sent.begin() + 30, sent.begin() + 34, sent.begin() + 34);
        return send(sent);
    }
    /// Both; false if either leg dropped the packet.
    bool round_trip(const Packet &inner) {
        const auto sent = out(inner);
        return is_sent(sent) && is_sent(back(sent.frame));
    }
    [[nodiscard]] static bool is_sent(const NativeOutcome &outcome) { return outcome.code == XDP_REDIRECT; }

    void advance(std::chrono::nanoseconds time) { kernel.now_ns += static_cast<std::uint64_t>(time.count()); }

    /// The live flows, as the controller lists them.
    [[nodiscard]] std::vector<datapath::FlowRow> flows() const {
        const auto hot = kernel.rows<glb_flow_hot>("glb_flows_hot");
        const auto cold = kernel.rows<glb_flow_cold>("glb_flows_cold");
        const datapath::FlowTable table(hot.data(), cold.data(), GLB_FLOW_MIN_CAPACITY);
        std::vector<datapath::FlowRow> live;
        for (std::uint32_t slot = 0; slot < table.capacity(); ++slot)
            if (auto row = table.row(slot); row && row->meta.live(ticks(), {}))
                live.push_back(*row);
        return live;
    }
    [[nodiscard]] std::size_t count_flows(datapath::FlowState state) const {
        const auto live = flows();
        return static_cast<std::size_t>(std::ranges::count_if(
            live, [=](const datapath::FlowRow &row) { return row.meta.state() == state; }));
    }

  private:
    [[nodiscard]] std::uint32_t ticks() const {
        return static_cast<std::uint32_t>(kernel.now_ns >> GLB_TICK_SHIFT);
    }
};

} // namespace glb::test
