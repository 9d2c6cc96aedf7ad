#include "lib/http/offload_pool.h"

#include <boost/asio/post.hpp>

namespace glb {

void OffloadPool::run(std::function<void()> work, std::function<void()> done) {
    boost::asio::post(pool_, [this, work = std::move(work), done = std::move(done)]() mutable {
        work();
        boost::asio::post(loop_, std::move(done));
    });
}

} // namespace glb
