#include "controller/util/worker.h"

#include <csignal>
#include <pthread.h>

namespace glb {

void Worker::start() {
    sigset_t all, before;
    sigfillset(&all); // signals are handled on the main thread
    pthread_sigmask(SIG_SETMASK, &all, &before);
    thread_ = std::thread([this] { context_.run(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    (void)pthread_setname_np(thread_.native_handle(), "glbd-worker");
}

void Worker::stop() {
    context_.stop();
    if (thread_.joinable())
        thread_.join();
}

} // namespace glb
