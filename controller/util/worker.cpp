#include "controller/util/worker.h"

#include "controller/util/thread.h"

namespace glb {

void Worker::start() {
    thread_ = start_thread("glbd-worker", [this] { context_.run(); });
}

void Worker::stop() {
    context_.stop();
    if (thread_.joinable())
        thread_.join();
}

} // namespace glb
