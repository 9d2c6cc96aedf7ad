// ConditionBoard: what is wrong with the node now, and since when.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "controller/util/condition.h"

namespace glb::control {

/// Sources.
inline constexpr const char *guard_source = "guard";
inline constexpr const char *host_source = "host";
inline constexpr const char *operator_source = "operator";
inline constexpr const char *pins_source = "pins";
inline constexpr const char *neighbours_source = "neighbours";
inline constexpr const char *drops_source = "data path";
inline constexpr const char *state_source = "state";

/// Pure.
class ConditionBoard {
  public:
    struct Changes {
        std::vector<Condition> begun; ///< in the order of update()
        std::vector<Condition> ended;
    };

    /// `conditions` are all that `source` finds now, and replace what it found before. A condition is known by
    /// `what` and `where`: another message does not begin it anew, but is shown from now on. One that went away
    /// and came back begins again.
    Changes update(const std::string &source, const std::vector<Condition> &conditions, MonotonicTime now);

    /// Errors first, then by source, in the order of update().
    [[nodiscard]] std::vector<HeldCondition> held() const;

    /// Those of one source, in the order of update().
    [[nodiscard]] std::vector<Condition> of(const std::string &source) const;

  private:
    std::map<std::string, std::vector<HeldCondition>> sources_;
};

/// update(), and logs what begins and ends.
void update_and_log(ConditionBoard &board, const std::string &source,
                    const std::vector<Condition> &conditions, MonotonicTime now);

} // namespace glb::control
