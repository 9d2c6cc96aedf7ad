#include "controller/api/worker.h"

#include <boost/asio/post.hpp>

namespace glb {

void Worker::run(HttpWork work, HttpRespond respond) {
    boost::asio::post(pool_, [this, work = std::move(work), respond = std::move(respond)]() mutable {
        boost::asio::post(loop_, [respond = std::move(respond), response = work()]() mutable {
            respond(std::move(response));
        });
    });
}

} // namespace glb
