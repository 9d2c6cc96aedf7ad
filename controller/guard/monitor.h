// Monitor: the kernel's notifications of changes to what the guard installs, except for tcx lists and sysctls, which
// have none.
#pragma once

#include "controller/util/fd.h"
#include "lib/netlink/netlink.h"

namespace glb::guard {

class Monitor {
  public:
    /// Subscribes in the calling thread's network namespace.
    [[nodiscard]] static Result<Monitor> open();

    /// Readable while notifications are pending.
    [[nodiscard]] int fd() const { return epoll_.get(); }

    /// Reads all pending notifications without blocking. True if one concerns table `inet glb`, routing rules or
    /// ingress filters, or if some were lost.
    [[nodiscard]] bool drain();

  private:
    Monitor(Fd epoll, Netlink routing, Netlink nftables)
        : epoll_(std::move(epoll)), routing_(std::move(routing)), nftables_(std::move(nftables)) {}

    Fd epoll_;
    Netlink routing_;
    Netlink nftables_;
};

} // namespace glb::guard
