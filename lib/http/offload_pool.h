// OffloadPool: threads for work that would block the loop.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>

#include "lib/http/http.h"

namespace glb {

class OffloadPool {
  public:
    /// Completions run on `loop`, which must outlive the pool.
    explicit OffloadPool(boost::asio::io_context &loop) : loop_(loop) {}
    /// Waits for the work in progress. Queued work is dropped.
    ~OffloadPool() {
        pool_.stop();
        pool_.join();
    }
    OffloadPool(const OffloadPool &) = delete;
    OffloadPool &operator=(const OffloadPool &) = delete;

    /// Implements Offload.
    void run(std::function<void()> work, std::function<void()> done);

  private:
    boost::asio::io_context &loop_;
    boost::asio::thread_pool pool_{2};
};

} // namespace glb
