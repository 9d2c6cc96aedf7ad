// HealthThread: the event loop on which targets are watched, with a thread of its own: whatever a change of
// the manifest waits for (the disk, a grace period, nftables), probes and silence are heard in time.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <thread>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

namespace glb {

class HealthThread {
  public:
    HealthThread();
    ~HealthThread() { stop(); }
    HealthThread(const HealthThread &) = delete;
    HealthThread &operator=(const HealthThread &) = delete;

    [[nodiscard]] boost::asio::io_context &context() { return context_; }

    /// Starts the thread, which has this one's privileges. What was posted before runs then.
    void start();
    /// Ends and joins it; what is posted from now on never runs.
    void stop();
    void post(std::function<void()> task) { boost::asio::post(context_, std::move(task)); }

    /// By how much a handler began later than it was due, at most, since this was asked last.
    [[nodiscard]] std::chrono::nanoseconds exchange_max_lag() {
        return std::chrono::nanoseconds(lag_.exchange(0));
    }

  private:
    using Clock = std::chrono::steady_clock;
    void beat(Clock::time_point due);

    boost::asio::io_context context_{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
    boost::asio::steady_timer timer_;
    std::atomic<std::chrono::nanoseconds::rep> lag_{0};
    std::thread thread_;
};

} // namespace glb
