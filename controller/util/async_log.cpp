#include "controller/util/async_log.h"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <utility>

#include <fmt/format.h>
#include <linux/capability.h>
#include <spdlog/async.h>
#include <spdlog/sinks/base_sink.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "controller/util/nonblocking_writer.h"

namespace glb {

namespace {

constexpr std::chrono::milliseconds stop_grace{500}; // several times NonblockingWriter's polling interval

/// Capabilities are per thread, so the process's later drop of privileges would not reach the log thread. It
/// needs none.
void drop_thread_capabilities() {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {};
    (void)::syscall(SYS_capset, &header, &none);
    (void)::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

} // namespace

/// Called by the log thread, except for the public members.
class LogSink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
  public:
    explicit LogSink(int fd) : writer_(fd) {}

    /// Set once, before the first line. The pool owns the log thread and therefore outlives its calls.
    void set_pool(spdlog::details::thread_pool *pool) { pool_ = pool; }

    void count_drop() { ++failed_; }
    [[nodiscard]] std::uint64_t dropped() const { return failed_ + pool_->overrun_counter(); }

    /// Drops all further lines, also one that is being written.
    void discard() { discard_ = true; }

    /// Waits until the log thread has processed all lines before the logger's last flush().
    [[nodiscard]] bool wait_for_flush(std::chrono::milliseconds timeout) {
        std::unique_lock lock(mutex_);
        return flushed_.wait_for(lock, timeout, [this] { return std::exchange(is_flushed_, false); });
    }

  protected:
    void sink_it_(const spdlog::details::log_msg &message) override {
        report_drops(message);
        if (!write(message))
            count_drop();
    }

    void flush_() override {
        const std::lock_guard lock(mutex_);
        is_flushed_ = true;
        flushed_.notify_all();
    }

  private:
    /// Before `next`: a warning with the number of lines dropped since the last such warning.
    void report_drops(const spdlog::details::log_msg &next) {
        const auto total = dropped();
        if (total == reported_)
            return;
        const auto text = fmt::format("log: {} lines dropped: output blocked or failed", total - reported_);
        spdlog::details::log_msg warning(next.time, next.source, next.logger_name, spdlog::level::warn, text);
        if (write(warning))
            reported_ = total;
    }

    [[nodiscard]] bool write(const spdlog::details::log_msg &message) {
        if (discard_)
            return false;
        spdlog::memory_buf_t line;
        if (is_torn_)
            line.push_back('\n');
        formatter_->format(message, line);
        const auto written = writer_.write({line.data(), line.size()}, discard_);
        if (written != 0)
            is_torn_ = written != line.size();
        return written == line.size();
    }

    NonblockingWriter writer_;
    bool is_torn_ = false; ///< only a part of the last line was written
    std::atomic<bool> discard_{false};
    std::atomic<std::uint64_t> failed_{0};
    std::uint64_t reported_ = 0;
    spdlog::details::thread_pool *pool_ = nullptr;
    std::mutex mutex_;
    std::condition_variable flushed_;
    bool is_flushed_ = false;
};

AsyncLog::AsyncLog(int fd, std::unique_ptr<spdlog::formatter> formatter, std::size_t queue_lines)
    : sink_(std::make_shared<LogSink>(fd)),
      pool_(std::make_shared<spdlog::details::thread_pool>(queue_lines, 1, drop_thread_capabilities)) {
    sink_->set_formatter(std::move(formatter));
    sink_->set_pool(pool_.get());
    logger_ = std::make_shared<spdlog::async_logger>("glb", sink_, pool_,
                                                     spdlog::async_overflow_policy::overrun_oldest);
    // spdlog's own handler prints to standard error and may block.
    logger_->set_error_handler([sink = sink_](const std::string &) { sink->count_drop(); });
}

AsyncLog::~AsyncLog() {
    if (stop(stop_grace)) {
        pool_.reset(); // joins the thread, which is idle
        return;
    }
    // The thread is blocked in a write: joining it could take forever. It is left to the end of the process.
    new std::shared_ptr(std::move(pool_));
    new std::shared_ptr(sink_);
}

std::uint64_t AsyncLog::dropped() const {
    return sink_->dropped();
}

bool AsyncLog::stop(std::chrono::milliseconds timeout) {
    logger_->flush();
    const bool flushed = sink_->wait_for_flush(timeout);
    sink_->discard();
    if (flushed)
        return true;
    logger_->flush();
    return sink_->wait_for_flush(stop_grace);
}

} // namespace glb
