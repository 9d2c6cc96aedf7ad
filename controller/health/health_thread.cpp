#include "controller/health/health_thread.h"

#include <algorithm>
#include <csignal>
#include <pthread.h>

namespace glb {

namespace {

constexpr std::chrono::milliseconds beat_time{10};

} // namespace

HealthThread::HealthThread() : work_(context_.get_executor()), timer_(context_) {}

void HealthThread::start() {
    beat(Clock::now() + beat_time);
    sigset_t all, before;
    sigfillset(&all); // signals are for the other loop
    pthread_sigmask(SIG_SETMASK, &all, &before);
    thread_ = std::thread([this] { context_.run(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    (void)pthread_setname_np(thread_.native_handle(), "glbd-health");
}

void HealthThread::stop() {
    context_.stop();
    if (thread_.joinable())
        thread_.join();
}

void HealthThread::beat(Clock::time_point due) {
    timer_.expires_at(due);
    timer_.async_wait([this, due](const boost::system::error_code &code) {
        if (code)
            return;
        const auto now = Clock::now();
        const auto late = std::chrono::nanoseconds(now - due).count();
        if (late >
            lag_.load(
                std::memory_order_relaxed)) // reset by another thread at most: one beat may be lost to it
            lag_.store(late, std::memory_order_relaxed);
        beat(now + beat_time);
    });
}

} // namespace glb
