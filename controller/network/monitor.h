// Monitor: is told by the kernel that links, addresses, routes, neighbours or rules have changed.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <utility>

#include "controller/network/snapshot.h"

namespace glb {

/// What has changed since the last call: coarse on purpose, the reader takes a new Snapshot of what it needs.
struct NetworkChange {
    bool links = false;
    bool addresses = false;
    bool routes = false;     ///< routes, next-hop objects
    bool neighbours = false; ///< one has another MAC than before, or none any more
    bool rules = false;
    bool overrun = false; ///< messages were lost: everything may have changed

    [[nodiscard]] bool any() const { return links || addresses || routes || neighbours || rules || overrun; }
};

class Monitor {
  public:
    /// Subscribes, in the calling thread's network namespace. Take the first Snapshot after this.
    [[nodiscard]] static Result<Monitor> open();

    /// Readable when something changed: wait for it with poll() or Asio, then call drain().
    [[nodiscard]] int fd() const { return netlink_.fd(); }

    /// Reads all that waits, without blocking, and calls `on_change` at most once with the union of it.
    [[nodiscard]] Status drain(const std::function<void(const NetworkChange &)> &on_change);

    /// What the reader has seen by now of neighbours: news that say no more are no change. Somebody who asks
    /// for hosts that are not there makes many.
    void know(const Snapshot &snapshot);

    /// How often messages were lost since open().
    [[nodiscard]] std::uint64_t overruns() const { return overruns_; }

  private:
    explicit Monitor(Netlink netlink) : netlink_(std::move(netlink)) {}
    void note(const nlmsghdr &message, NetworkChange &change);
    [[nodiscard]] bool is_news(const Neighbour &neighbour, bool is_gone);

    Netlink netlink_;
    std::map<std::pair<unsigned, IpAddress>, MacAddress>
        neighbours_; ///< those to which the kernel would send
    std::uint64_t overruns_ = 0;
};

} // namespace glb
