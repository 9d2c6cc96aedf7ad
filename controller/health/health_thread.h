// HealthThread: event loop of the health engine in a dedicated thread, so that changes of configuration
// (disk, RCU grace periods, nftables) do not delay probes and detectors.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <thread>
#include <type_traits>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

namespace glb::health {

class HealthThread {
  public:
    HealthThread();
    ~HealthThread() { stop(); }
    HealthThread(const HealthThread &) = delete;
    HealthThread &operator=(const HealthThread &) = delete;

    [[nodiscard]] boost::asio::io_context &context() { return context_; }

    /// Starts the thread, with the caller's privileges and all signals blocked. It runs the tasks posted
    /// before.
    void start();
    /// Stops and joins it. Tasks posted afterwards never run.
    void stop();

    void post(std::function<void()> task) { boost::asio::post(context_, std::move(task)); }

    /// Runs `call` on the thread and returns its result; before start() and after stop(), on the caller's
    /// thread. Not from the thread itself, nor concurrently with start() or stop().
    template <typename Call>
    std::invoke_result_t<Call> run(Call call) {
        if (!thread_.joinable())
            return call();
        std::packaged_task<std::invoke_result_t<Call>()> task(std::move(call));
        auto result = task.get_future();
        boost::asio::post(context_, [&task] { task(); });
        return result.get();
    }

    /// Maximum delay of the loop since the last call.
    [[nodiscard]] std::chrono::nanoseconds exchange_max_lag() {
        return std::chrono::nanoseconds(max_lag_.exchange(0));
    }

  private:
    using Clock = std::chrono::steady_clock;
    void measure_lag(Clock::time_point due);

    boost::asio::io_context context_{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
    boost::asio::steady_timer timer_;
    std::atomic<std::chrono::nanoseconds::rep> max_lag_{0};
    std::thread thread_;
};

} // namespace glb::health
