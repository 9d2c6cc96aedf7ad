#include "controller/datapath/grace_period.h"

#include <cerrno>
#include <cstdint>
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "controller/util/fd.h"

namespace glb::datapath {

namespace {

/// Replaces a map in a map of maps. The kernel waits for RCU before such an update returns, so that no program uses the
/// replaced map afterwards. Returns an errno value, or 0.
int wait_by_map_update() {
    constexpr auto index_size = sizeof(std::uint32_t);
    const Fd inner(bpf_map_create(BPF_MAP_TYPE_ARRAY, "glb_wait_inner", index_size, index_size, 1, nullptr));
    if (!inner)
        return errno;
    LIBBPF_OPTS(bpf_map_create_opts, options, .inner_map_fd = static_cast<std::uint32_t>(inner.get()));
    const Fd outer(
        bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "glb_wait_outer", index_size, index_size, 1, &options));
    if (!outer)
        return errno;
    const std::uint32_t index = 0;
    const int replacement = inner.get();
    return bpf_map_update_elem(outer.get(), &index, &replacement, BPF_ANY) == 0 ? 0 : errno;
}

} // namespace

Status wait_for_grace_period() {
    // A global membarrier(2) waits for RCU. With nohz_full CPUs, the kernel has none (EINVAL).
    int code = ::syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) == 0 ? 0 : errno;
    if (code == EINVAL)
        code = wait_by_map_update();
    if (code != 0)
        return fail_errno(code, "cannot wait for packets in the data path");
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
