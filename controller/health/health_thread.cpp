#include "controller/health/health_thread.h"

#include "controller/util/thread.h"

namespace glb::health {

namespace {

constexpr std::chrono::milliseconds lag_interval{10};

} // namespace

HealthThread::HealthThread() : work_(context_.get_executor()), timer_(context_) {}

void HealthThread::start() {
    measure_lag(Clock::now() + lag_interval);
    thread_ = start_thread("glbd-health", [this] { context_.run(); });
}

void HealthThread::stop() {
    context_.stop();
    if (thread_.joinable())
        thread_.join();
}

void HealthThread::measure_lag(Clock::time_point due) {
    timer_.expires_at(due);
    timer_.async_wait([this, due](const boost::system::error_code &code) {
        if (code)
            return;
        const auto now = Clock::now();
        const auto lag = std::chrono::nanoseconds(now - due).count();
        auto max = max_lag_.load();
        while (lag > max && !max_lag_.compare_exchange_weak(max, lag)) {
        }
        measure_lag(now + lag_interval);
    });
}

} // namespace glb::health
