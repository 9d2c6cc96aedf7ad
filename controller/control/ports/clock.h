// Clock: the time that control uses, so that tests can set it.
#pragma once

#include <cstdint>

#include "controller/health/target_health.h"
#include "controller/util/monotonic_time.h"

namespace glb::control {

class Clock {
  public:
    virtual ~Clock() = default;

    [[nodiscard]] virtual MonotonicTime now() const = 0;
    /// The data path's clock, see tick_now().
    [[nodiscard]] virtual std::uint32_t ticks() const = 0;
};

} // namespace glb::control
