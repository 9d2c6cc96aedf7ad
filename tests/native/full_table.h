// A flow table in which all candidates of one flow are occupied, on a stopped clock, so that evictions are
// determined to the tick.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "abi/flow.h"
#include "tests/harness/packet.h"
#include "tests/native/native_rig.h"
#include "tests/native/sample.h"

namespace glb::test {

/// In ticks; an even number of seconds, since stamps have a resolution of two seconds.
inline constexpr std::uint32_t table_now =
    1'000'000u / (2 * GLB_TICKS_PER_SECOND) * (2 * GLB_TICKS_PER_SECOND);

/// An entry's state, and its idle time in ticks.
struct Entry {
    std::uint32_t code = GLB_FLOW_ESTABLISHED;
    bool tcp = true;
    std::uint32_t idle = 0;
    std::uint32_t target = 0;
};

/// All candidates of the flow of `inner` hold established TCP that has just been seen; the rest of the table
/// is empty.
class FullTable {
  public:
    explicit FullTable(const Packet &inner, NativeRig &on)
        : rig(on), frame_(from_client(inner)), lines_(rig.kernel.rows<glb_flow_hot>("glb_flows_hot")) {
        set_now(table_now);
        std::ranges::fill(lines_, glb_flow_hot{});
        (void)rig.send(frame_);
        const auto is_used = [](const glb_flow_hot &line) {
            return glb_meta_code(line.meta) != GLB_FLOW_FREE;
        };
        tag_ = std::ranges::find_if(lines_, is_used)->tag;
        const auto mask = static_cast<std::uint32_t>(lines_.size() / GLB_FLOW_WAYS - 1);
        for (std::uint32_t i = 0; i < GLB_FLOW_BUCKETS * GLB_FLOW_WAYS; ++i)
            slots_.push_back(glb_flow_bucket(tag_, mask, i / GLB_FLOW_WAYS) * GLB_FLOW_WAYS +
                             i % GLB_FLOW_WAYS);
        for (std::size_t candidate = 0; candidate < slots_.size(); ++candidate)
            put(candidate, {});
        std::ranges::fill(rig.kernel.rows<glb_count>("glb_counters"), glb_count{});
    }

    void set_now(std::uint32_t ticks) { rig.kernel.now_ns = std::uint64_t{ticks} << GLB_TICK_SHIFT; }

    /// Another flow's entry at candidate 0 to 15.
    void put(std::size_t candidate, const Entry &entry) {
        line(candidate) = {};
        line(candidate).tag = candidate + 1;
        line(candidate).meta = glb_meta_make(entry.code, entry.tcp, 1, entry.target, table_now - entry.idle);
    }
    glb_flow_hot &line(std::size_t candidate) { return lines_[slots_.at(candidate)]; }

    /// Sends the flow's packet. Returns the candidate at which the flow was inserted, if any.
    std::optional<std::size_t> insert() {
        (void)rig.send(frame_);
        for (std::size_t candidate = 0; candidate < slots_.size(); ++candidate)
            if (line(candidate).tag == tag_ && glb_meta_code(line(candidate).meta) != GLB_FLOW_FREE)
                return candidate;
        return std::nullopt;
    }

    NativeRig &rig;

  private:
    Bytes frame_;
    std::span<glb_flow_hot> lines_;
    std::uint64_t tag_ = 0;
    std::vector<std::uint32_t> slots_;
};

} // namespace glb::test
