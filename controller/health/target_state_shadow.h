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

namespace glb {

/// A row that could not be written stays different, so the next call tries it again.
class TargetStateShadow {
  public:
    /// Writes the rows of targets and groups that were never written: before the configuration that names
    /// them takes effect. Rows that are in use keep their value.
    [[nodiscard]] Status write_new(TargetStatePort &port, std::span<const GroupStateRow> rows);
    /// Writes every row that differs. Goes on after a failure and returns the first.
    [[nodiscard]] Status write_all(TargetStatePort &port, std::span<const GroupStateRow> rows);
    /// The final state of a removed target; its row counts as never written afterwards.
    [[nodiscard]] Status write_final(TargetStatePort &port, const RemovedTarget &removed);

    /// Other maps from now on: nothing is written yet.
    void clear();
    /// Targets and groups that are not in `rows` count as never written: their indexes may be given to
    /// others.
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
    std::map<std::uint16_t, Group> groups_;
};

} // namespace glb
