// Monitor: receives netlink notifications of links, addresses, routes, neighbours and rules.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <utility>

#include "controller/network/snapshot.h"

namespace glb::network {

/// What changed since the last call. Coarse by design: the reader takes a new Snapshot.
struct NetworkChange {
    bool links = false;
    bool addresses = false;
    bool routes = false;     ///< routes, next-hop objects
    bool neighbours = false; ///< a MAC changed or became unknown
    bool rules = false;
    bool overrun = false; ///< notifications were lost: anything may have changed

    [[nodiscard]] bool any() const { return links || addresses || routes || neighbours || rules || overrun; }
};

class Monitor {
  public:
    /// Subscribes in the calling thread's network namespace. Take the first Snapshot after this call.
    [[nodiscard]] static Result<Monitor> open();

    /// Readable when notifications are pending: wait with poll() or Asio, then call drain().
    [[nodiscard]] int fd() const { return netlink_.fd(); }

    /// Reads all pending notifications without blocking and calls `on_change` at most once with their union.
    [[nodiscard]] Status drain(const std::function<void(const NetworkChange &)> &on_change);

    /// Sets the neighbours that the reader has processed. Notifications that match them are not reported:
    /// traffic to absent hosts causes many of these.
    void set_known_neighbours(const Snapshot &snapshot);

    /// Number of receive buffer overruns since open().
    [[nodiscard]] std::uint64_t overruns() const { return overruns_; }

  private:
    explicit Monitor(Netlink netlink) : netlink_(std::move(netlink)) {}
    void record(const nlmsghdr &message, NetworkChange &change);
    /// True if the MAC or the validity changed.
    [[nodiscard]] bool update_neighbour(const Neighbour &neighbour, bool removed);

    Netlink netlink_;
    std::map<std::pair<unsigned, IpAddress>, MacAddress> neighbours_; ///< valid ones
    std::uint64_t overruns_ = 0;
};

} // namespace glb::network
