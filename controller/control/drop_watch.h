// DropWatch: drops that an operator has to know of although the node is ready, while they go on. Pure.
#pragma once

#include <array>
#include <vector>

#include "abi/config.h"
#include "abi/reasons.h"
#include "controller/util/condition.h"

namespace glb::control {

/// A reason is reported from the first drop on until there was none for this time.
inline constexpr std::chrono::seconds drop_memory{60};

class DropWatch {
  public:
    /// `drops`: by glb_drop, sums that only increase, or begin anew. What was there at the first call is not reported.
    [[nodiscard]] std::vector<Condition> update(const std::vector<glb_count> &drops, MonotonicTime now);

  private:
    struct Row {
        std::uint64_t seen = 0;
        std::uint64_t reported = 0; ///< packets since the condition began
        MonotonicTime last{};
    };
    std::array<Row, GLB_DROP_MAX> rows_{};
    bool has_begun_ = false;
};

} // namespace glb::control
