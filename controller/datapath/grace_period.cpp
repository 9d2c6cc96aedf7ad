#include "controller/datapath/grace_period.h"

#include <cerrno>
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace glb::datapath {

Status wait_for_grace_period() {
    // A global membarrier(2) waits for RCU.
    if (::syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) != 0)
        return fail_errno(errno, "cannot wait for packets in the data path");
    return {};
}

void PendingGracePeriod::start() {
    done_ = std::async(std::launch::async, wait_for_grace_period);
}

Status PendingGracePeriod::wait() {
    if (!done_.valid() || done_.get())
        return {};
    return wait_for_grace_period(); // a failure on the other thread is retried once
}

} // namespace glb::datapath
