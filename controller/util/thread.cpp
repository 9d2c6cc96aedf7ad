#include "controller/util/thread.h"

#include <csignal>
#include <pthread.h>
#include <utility>

namespace glb {

std::thread start_thread(const char *name, std::function<void()> run) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    std::thread thread(std::move(run));
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    (void)pthread_setname_np(thread.native_handle(), name);
    return thread;
}

} // namespace glb
