// The grace period after which no packet uses what was replaced before it.
#pragma once

#include <future>

#include "controller/util/result.h"

namespace glb::datapath {

/// Returns after every packet that is being processed now has left the XDP program: one RCU grace period,
/// some milliseconds.
[[nodiscard]] Status wait_for_grace_period();

/// A grace period that is waited for on another thread.
class PendingGracePeriod {
  public:
    void start();
    /// Returns at once if none was started since the last call.
    [[nodiscard]] Status wait();

  private:
    std::future<Status> done_;
};

} // namespace glb::datapath
