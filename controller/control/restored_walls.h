// RestoredWalls: the parts of the guard that were missing lately. Pure.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "controller/util/condition.h"

namespace glb::control {

class RestoredWalls {
  public:
    /// How long a loss stays visible after the part was restored.
    static constexpr std::chrono::minutes shown_for{5};

    /// `parts` were restored at `now`, and were missing for `open` at most.
    void add(const std::vector<std::string> &parts, std::chrono::milliseconds open, MonotonicTime now);

    /// A warning for each part that was restored within `shown_for`. Forgets the others.
    [[nodiscard]] std::vector<Condition> conditions(MonotonicTime now);

  private:
    struct Loss {
        MonotonicTime restored{};
        std::chrono::milliseconds open{}; ///< the longest
        unsigned times = 0;
    };
    std::map<std::string, Loss> losses_;
};

} // namespace glb::control
