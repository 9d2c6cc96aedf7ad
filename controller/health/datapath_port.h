// TargetStatePort: the maps of the loaded data path that the health engine reads and writes.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>

#include "abi/config.h"
#include "abi/events.h"
#include "controller/util/result.h"

namespace glb::health {

/// Called on the health thread only. The engine is the only writer of target states, group actions and
/// fallback lists. A write that fails leaves its row unchanged.
class TargetStatePort {
  public:
    virtual ~TargetStatePort() = default;

    [[nodiscard]] virtual Status set_target_state(std::uint16_t target, std::uint64_t state) = 0;
    [[nodiscard]] virtual Status set_group_action(std::uint16_t group, glb_no_target_action action) = 0;
    /// GLB_FALLBACK_SLOTS target indexes.
    [[nodiscard]] virtual Status set_fallback(std::uint16_t group,
                                              std::span<const std::uint16_t> targets) = 0;

    /// Summed over the CPUs; none if the map cannot be read.
    [[nodiscard]] virtual std::optional<glb_target_count> target_count(std::uint16_t target) = 0;

    /// Readable while events are pending; -1 if there is no descriptor.
    [[nodiscard]] virtual int event_fd() const = 0;
    /// Consumes all pending events. Never blocks.
    [[nodiscard]] virtual Status poll_events(const std::function<void(const glb_event &)> &on_event) = 0;
};

} // namespace glb::health
