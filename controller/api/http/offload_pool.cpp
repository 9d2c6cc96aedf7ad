#include "controller/api/http/offload_pool.h"

#include <boost/asio/post.hpp>

namespace glb {

void OffloadPool::run(HttpWork work, HttpRespond respond) {
    boost::asio::post(pool_, [this, work = std::move(work), respond = std::move(respond)]() mutable {
        boost::asio::post(loop_, [respond = std::move(respond), response = work()]() mutable {
            respond(std::move(response));
        });
    });
}

} // namespace glb
