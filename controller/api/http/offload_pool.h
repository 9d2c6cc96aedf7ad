// OffloadPool: one thread for answers that would hold the loop.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>

#include "controller/api/http/http.h"

namespace glb {

class OffloadPool {
  public:
    /// Answers are handed over on `loop`, which outlives it.
    explicit OffloadPool(boost::asio::io_context &loop) : loop_(loop) {}
    /// Waits for the answer that is being made; the others are never made.
    ~OffloadPool() {
        pool_.stop();
        pool_.join();
    }
    OffloadPool(const OffloadPool &) = delete;
    OffloadPool &operator=(const OffloadPool &) = delete;

    /// For HttpOffload.
    void run(HttpWork work, HttpRespond respond);

  private:
    boost::asio::io_context &loop_;
    boost::asio::thread_pool pool_{1};
};

} // namespace glb
