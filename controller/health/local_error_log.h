// LocalErrorLog: health checks that could not leave the node, as one condition of the node.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "controller/util/monotonic_time.h"

namespace glb::health {

/// Checks that were not sent are no evidence about their targets, whose states remain.
struct LocalErrors {
    std::uint64_t count = 0;            ///< since the start of the daemon
    std::string text;                   ///< of the last one
    std::optional<MonotonicTime> since; ///< set: the last check of at least one target was not sent

    bool operator==(const LocalErrors &) const = default;
};

/// Pure: time is an argument.
class LocalErrorLog {
  public:
    /// A check of `target` was not sent. The line to be logged; empty if the condition holds already.
    [[nodiscard]] std::string record(const std::string &target, const std::string &text, MonotonicTime now);
    /// `any_left`: the last check of at least one target was not sent. The line to be logged when the condition
    /// ends; else empty.
    [[nodiscard]] std::string update(bool any_left, MonotonicTime now);

    [[nodiscard]] const LocalErrors &errors() const { return errors_; }

  private:
    LocalErrors errors_;
    std::uint64_t count_before_ = 0; ///< the condition began
};

} // namespace glb::health
