// SystemClock: CLOCK_MONOTONIC.
#pragma once

#include "controller/control/ports/clock.h"
#include "controller/plan/maglev_generations.h"
#include "controller/util/monotonic_time.h"

namespace glb::adapters {

class SystemClock final : public control::Clock {
  public:
    [[nodiscard]] MonotonicTime now() const override { return std::chrono::steady_clock::now(); }
    [[nodiscard]] std::uint32_t ticks() const override { return plan::tick_now(); }
};

} // namespace glb::adapters
