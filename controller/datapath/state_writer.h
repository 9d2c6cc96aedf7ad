// StateWriter: target state, group actions and fallback lists. Health thread.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "controller/datapath/handles.h"
#include "controller/util/result.h"

namespace glb::datapath {

/// The only writer of `maps`. They are not banked: a write takes effect with the next packet.
class StateWriter {
  public:
    static constexpr std::array maps = {Map::target_state, Map::group_action, Map::fallback};

    explicit StateWriter(DatapathHandlesPtr handles) : handles_(std::move(handles)) {}
    /// Continues on other handles of the same maps.
    void rebind(DatapathHandlesPtr handles) { handles_ = std::move(handles); }

    /// Flags GLB_TARGET_* (abi/config.h).
    [[nodiscard]] Status set_target_state(std::uint32_t target, std::uint64_t flags);
    /// What happens to new flows while no target is eligible.
    [[nodiscard]] Status set_group_action(std::uint32_t group, glb_no_target_action action);
    /// GLB_FALLBACK_SLOTS indexes of targets that accept new flows, distributed by weight.
    [[nodiscard]] Status set_fallback(std::uint32_t group, std::span<const std::uint16_t> targets);

  private:
    DatapathHandlesPtr handles_;
};

} // namespace glb::datapath
