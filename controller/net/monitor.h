// Monitor: is told by the kernel that links, addresses, routes, neighbours or rules have changed.
#pragma once

#include <cstdint>
#include <functional>

#include "controller/net/netlink.h"

namespace glb {

/// What has changed since the last call: coarse on purpose, the reader takes a new Snapshot of what it needs.
struct NetworkChange {
    bool links = false;
    bool addresses = false;
    bool routes = false; ///< routes, next-hop objects
    bool neighbours = false;
    bool rules = false;
    bool overrun = false; ///< messages were lost: everything may have changed

    [[nodiscard]] bool any() const {
        return links || addresses || routes || neighbours || rules || overrun;
    }
};

class Monitor {
  public:
    /// Subscribes, in the calling thread's network namespace. Take the first Snapshot after this.
    [[nodiscard]] static Result<Monitor> open();

    /// Readable when something changed: wait for it with poll() or Asio, then call drain().
    [[nodiscard]] int fd() const { return netlink_.fd(); }

    /// Reads all that waits, without blocking, and calls `on_change` at most once with the union of it.
    [[nodiscard]] Status drain(const std::function<void(const NetworkChange &)> &on_change);

    /// How often messages were lost since open().
    [[nodiscard]] std::uint64_t overruns() const { return overruns_; }

  private:
    explicit Monitor(Netlink netlink) : netlink_(std::move(netlink)) {}

    Netlink netlink_;
    std::uint64_t overruns_ = 0;
};

} // namespace glb
