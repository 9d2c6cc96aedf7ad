// Backoff: how long a target that failed again and again stays out. Pure: time is an argument.
#pragma once

#include <algorithm>
#include <chrono>
#include <optional>

namespace glb {

/// Each failure within `kForget` of the last recovery doubles the wait: 10 s, 20 s, 40 s … 5 min. What has
/// served longer than that begins anew.
class Backoff {
  public:
    using Time = std::chrono::steady_clock::time_point;
    static constexpr std::chrono::seconds kFirst{10};
    static constexpr std::chrono::seconds kLongest{300};
    static constexpr std::chrono::seconds kForget{600};

    void fail(Time now) {
        if (recovered_ && now - *recovered_ >= kForget)
            failures_ = 0;
        ++failures_;
        failed_ = now;
        recovered_.reset();
    }
    /// A failure that is not the target's own: the waits begin, and do not grow.
    void fail_group_outage(Time now) { failed_ = now; }
    void recover(Time now) {
        if (!recovered_)
            recovered_ = now;
    }
    /// What an earlier daemon counted. How long ago that was nobody knows: it is taken as now.
    void restore(unsigned failures, bool is_out, Time now) {
        failures_ = failures;
        failed_ = now;
        recovered_ = is_out ? std::nullopt : std::optional(now);
    }

    [[nodiscard]] unsigned failures() const { return failures_; }
    /// What is proved to work by probes waits from its second failure on: the first recovery is as quick as
    /// the thresholds.
    [[nodiscard]] std::chrono::seconds remaining_for_recovery(Time now) const {
        return failures_ < 2 ? std::chrono::seconds(0) : left(wait(failures_ - 1), now);
    }
    /// Where nothing proves anything, traffic is risked after the whole wait.
    [[nodiscard]] std::chrono::seconds remaining_for_half_open(Time now) const {
        return left(wait(failures_), now);
    }
    [[nodiscard]] std::chrono::seconds left_of(std::chrono::seconds wait, Time now) const {
        return left(wait, now);
    }

  private:
    static std::chrono::seconds wait(unsigned failures) {
        const auto doublings = std::min(failures == 0 ? 0 : failures - 1, 10u);
        return std::min(kFirst * (1 << doublings), kLongest);
    }
    [[nodiscard]] std::chrono::seconds left(std::chrono::seconds wait, Time now) const {
        return std::max(std::chrono::seconds(0),
                        std::chrono::ceil<std::chrono::seconds>(failed_ + wait - now));
    }

    unsigned failures_ = 0;
    Time failed_{};
    std::optional<Time> recovered_; // since when it serves again
};

} // namespace glb
