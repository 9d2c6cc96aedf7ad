// Worker: a thread for calls that block, awaited by coroutines of other threads.
#pragma once

#include <type_traits>
#include <utility>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <thread>

namespace glb {

class Worker {
  public:
    Worker() : work_(context_.get_executor()) {}
    ~Worker() { stop(); }
    Worker(const Worker &) = delete;
    Worker &operator=(const Worker &) = delete;

    /// Starts the thread, with the caller's privileges and all signals blocked. Until then calls run on the
    /// thread of the coroutine.
    void start();
    /// Waits for the current call.
    void stop();

    /// Runs `call` and resumes the awaiting coroutine on its own executor with the result. What `call`
    /// refers to must outlive it; a coroutine that is destroyed meanwhile does not end the call.
    template <typename Call>
    boost::asio::awaitable<std::invoke_result_t<Call &>> run(Call call) {
        using Value = std::invoke_result_t<Call &>;
        if (!thread_.joinable())
            co_return call();
        auto task = [call = std::move(call)]() mutable -> boost::asio::awaitable<Value> { co_return call(); };
        co_return co_await boost::asio::co_spawn(context_, std::move(task), boost::asio::use_awaitable);
    }

  private:
    boost::asio::io_context context_{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
    std::thread thread_;
};

} // namespace glb
