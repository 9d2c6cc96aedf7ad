// MonotonicTime: time that no change of the wall clock affects, and whole seconds of it, as documents have them.
#pragma once

#include <chrono>
#include <cstdint>

namespace glb {

using MonotonicTime = std::chrono::steady_clock::time_point;

/// Rounded down; a negative duration is 0.
template <typename Duration>
[[nodiscard]] std::uint64_t elapsed_seconds(Duration duration) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(duration).count();
    return seconds < 0 ? 0 : static_cast<std::uint64_t>(seconds);
}

/// From `now` to `end`, rounded up; 0 if it is past.
[[nodiscard]] inline std::uint64_t seconds_until(MonotonicTime end, MonotonicTime now) {
    return elapsed_seconds(std::chrono::ceil<std::chrono::seconds>(end - now));
}

} // namespace glb
