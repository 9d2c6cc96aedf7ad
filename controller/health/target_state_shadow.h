// TargetStateShadow: shadow copy of the target-state maps. Writes only rows that differ.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>

#include "controller/health/datapath_port.h"
#include "controller/health/target_registry.h"

namespace glb::health {

/// A row that could not be written remains different, so the next call writes it again.
class TargetStateShadow {
  public:
    /// Writes the rows of targets and groups that count as never written, before the configuration that names
    /// them takes effect. Other rows are not changed.
    [[nodiscard]] Status write_new(TargetStatePort &port, std::span<const GroupStateRow> rows);
    /// Writes all rows that differ, and pending final states. Continues after a failure and returns the
    /// first one.
    [[nodiscard]] Status write_all(TargetStatePort &port, std::span<const GroupStateRow> rows);
    /// The final state of a removed target: the next write_all() writes it, unless the index is reused first.
    void set_final(const RemovedTarget &removed);

    /// For other maps: all rows count as never written.
    void clear();
    /// Targets and groups that are not in `rows` count as never written: their indexes may be reused.
    void retain(std::span<const GroupStateRow> rows);

  private:
    struct Group {
        std::array<std::uint16_t, GLB_FALLBACK_SLOTS> fallback{};
        std::optional<glb_no_target_action> action;
        bool has_fallback = false;
    };
    [[nodiscard]] Status write_target(TargetStatePort &port, std::uint16_t index, std::uint64_t state);
    [[nodiscard]] Status write_group(TargetStatePort &port, const GroupStateRow &row);

    std::map<std::uint16_t, std::uint64_t> targets_;
    std::map<std::uint16_t, std::uint64_t> final_states_; ///< not written yet
    std::map<std::uint16_t, Group> groups_;
};

} // namespace glb::health
