// Backoff: delays the recovery of a target that fails repeatedly. Pure: time is an argument.
#pragma once

#include <algorithm>
#include <chrono>
#include <optional>

#include "controller/util/monotonic_time.h"

namespace glb::health {

/// Each failure within `forget_after` of the last recovery doubles the wait: 10 s, 20 s, 40 s … 5 min. A
/// later failure counts as the first.
class Backoff {
  public:
    static constexpr std::chrono::seconds first_wait{10};
    static constexpr std::chrono::seconds longest_wait{300};
    static constexpr std::chrono::seconds forget_after{600};

    void fail(MonotonicTime now) {
        if (recovered_ && now - *recovered_ >= forget_after)
            failures_ = 0;
        ++failures_;
        failed_ = now;
        recovered_.reset();
    }
    /// A failure of the whole group: the waits start again, but do not double.
    void fail_group_outage(MonotonicTime now) { failed_ = now; }
    void recover(MonotonicTime now) {
        if (!recovered_)
            recovered_ = now;
    }
    /// State of an earlier daemon. The time of the failure was not persisted; `now` is assumed.
    void restore(unsigned failures, bool is_out, MonotonicTime now) {
        failures_ = failures;
        failed_ = now;
        recovered_ = is_out ? std::nullopt : std::optional(now);
    }

    [[nodiscard]] unsigned failures() const { return failures_; }
    /// Until probes may end the failure. None after the first failure: that recovery takes only the threshold
    /// of successes.
    [[nodiscard]] std::chrono::seconds remaining_for_recovery(MonotonicTime now) const {
        return failures_ < 2 ? std::chrono::seconds(0) : remaining(wait(failures_ - 1), now);
    }
    /// Until the half-open phase, for targets that no probe can show to work.
    [[nodiscard]] std::chrono::seconds remaining_for_half_open(MonotonicTime now) const {
        return remaining(wait(failures_), now);
    }
    [[nodiscard]] std::chrono::seconds remaining(std::chrono::seconds wait, MonotonicTime now) const {
        return std::max(std::chrono::seconds(0),
                        std::chrono::ceil<std::chrono::seconds>(failed_ + wait - now));
    }

  private:
    static std::chrono::seconds wait(unsigned failures) {
        const auto doublings = std::min(failures == 0 ? 0 : failures - 1, 10u);
        return std::min(first_wait * (1 << doublings), longest_wait);
    }

    unsigned failures_ = 0;
    MonotonicTime failed_{};
    std::optional<MonotonicTime> recovered_; // unset: still failed
};

} // namespace glb::health
