// TargetErrors: what currently goes wrong with a target, whether or not it changes the target's state.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "controller/health/probes/probe_settings.h"
#include "controller/util/monotonic_time.h"

namespace glb::health {

struct TimedError {
    std::string text;
    MonotonicTime at{}; ///< when it was last seen
};

/// Pure: time is an argument.
class TargetErrors {
  public:
    static constexpr std::chrono::seconds record_time{30}; ///< a recorded error holds without repetition

    /// A successful check clears the error of earlier ones.
    void on_check(const ProbeResult &result, MonotonicTime now) {
        check_not_sent_ = result.outcome == ProbeOutcome::not_sent;
        if (result.outcome == ProbeOutcome::ok)
            return check_.reset();
        check_ = {result.detail.empty() ? std::string(to_string(result.outcome)) : result.detail, now};
        if (!check_not_sent_)
            return;
        check_->text.insert(0, local_prefix);
        ++local_;
    }
    /// Earlier checks no longer apply.
    void forget_checks() {
        check_.reset();
        check_not_sent_ = false;
    }
    /// An error that fails no check.
    void record(std::string text, MonotonicTime now) { recorded_ = {std::move(text), now}; }
    /// An in-band probe that is no check was not sent.
    void record_not_sent(const std::string &text, MonotonicTime now) {
        ++local_;
        record(local_prefix + text, now);
    }

    /// The most recent of: the last check, if it failed or was not sent, and the recorded error.
    [[nodiscard]] std::optional<TimedError> last(MonotonicTime now) const {
        const bool holds = recorded_ && now - recorded_->at <= record_time;
        return !holds || (check_ && check_->at >= recorded_->at) ? check_ : recorded_;
    }
    [[nodiscard]] bool check_not_sent() const { return check_not_sent_; } ///< the last one
    [[nodiscard]] std::uint64_t local() const { return local_; }          ///< probes that were not sent

  private:
    static constexpr auto local_prefix = "local error, not evaluated: ";

    std::optional<TimedError> check_, recorded_;
    std::uint64_t local_ = 0;
    bool check_not_sent_ = false;
};

} // namespace glb::health
