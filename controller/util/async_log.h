// AsyncLog: a logger whose callers never block. A thread of its own writes the lines.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>

#include <spdlog/formatter.h>
#include <spdlog/logger.h>

namespace spdlog::details {
class thread_pool;
}

namespace glb {

class LogSink;

/// Lines are queued; if the queue is full, the oldest one is dropped. Lines that cannot be written (closed
/// descriptor, full disk) are dropped as well. Drops are counted, and reported in the log once lines can be
/// written again. SIGPIPE must be ignored.
class AsyncLog {
  public:
    static constexpr std::size_t default_queue_lines = 4096;

    AsyncLog(int fd, std::unique_ptr<spdlog::formatter> formatter,
             std::size_t queue_lines = default_queue_lines);
    ~AsyncLog();
    AsyncLog(const AsyncLog &) = delete;
    AsyncLog &operator=(const AsyncLog &) = delete;

    [[nodiscard]] const std::shared_ptr<spdlog::logger> &logger() const { return logger_; }

    /// Number of lines dropped so far. Any thread.
    [[nodiscard]] std::uint64_t dropped() const;

    /// Waits up to `timeout` until the queued lines are written; drops what remains and all later lines.
    /// False if the log thread is still blocked in a write half a second after that.
    bool stop(std::chrono::milliseconds timeout);

  private:
    std::shared_ptr<LogSink> sink_;
    std::shared_ptr<spdlog::details::thread_pool> pool_;
    std::shared_ptr<spdlog::logger> logger_;
};

} // namespace glb
