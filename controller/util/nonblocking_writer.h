// NonblockingWriter: writes to a descriptor that may be blocked, closed or full, with bounded waiting.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <string_view>

#include <sys/types.h>

#include "controller/util/fd.h"

namespace glb {

/// Writes to a duplicate of `fd`. Never changes the flags of `fd`: its open file description may be shared
/// with other processes. SIGPIPE must be ignored.
class NonblockingWriter {
  public:
    explicit NonblockingWriter(int fd);

    using Clock = std::chrono::steady_clock;

    /// Writes `data`; waits while the descriptor is not writable. Returns the number of bytes written: fewer
    /// than all if the descriptor is closed or fails, `cancelled` became true, or `deadline` has passed
    /// (both checked every 50 ms).
    std::size_t write(std::string_view data, const std::atomic<bool> &cancelled,
                      Clock::time_point deadline = Clock::time_point::max());

  private:
    [[nodiscard]] ssize_t write_some(std::string_view data);

    enum class Kind {
        socket,      ///< send(MSG_DONTWAIT)
        nonblocking, ///< an open file description of our own with O_NONBLOCK
        other,       ///< poll() before each write of at most PIPE_BUF bytes; a disk may block
    };
    Fd fd_; ///< empty: `fd` was closed
    Kind kind_ = Kind::other;
};

} // namespace glb
