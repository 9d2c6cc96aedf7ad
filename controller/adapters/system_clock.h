// SystemClock: CLOCK_MONOTONIC.
#pragma once

#include "controller/control/ports/clock.h"
#include "controller/plan/maglev_generations.h"

namespace glb {

class SystemClock final : public Clock {
  public:
    [[nodiscard]] MonotonicTime now() const override { return std::chrono::steady_clock::now(); }
    [[nodiscard]] std::uint32_t ticks() const override { return tick_now(); }
};

} // namespace glb
