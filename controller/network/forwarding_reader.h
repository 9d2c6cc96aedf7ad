// What the kernel would do to forwarded packets and an XDP redirect does not: IPsec policies, queueing disciplines
// and egress filters, MTUs of routes.
#pragma once

#include <string>
#include <vector>

#include "controller/network/route_mtu.h"
#include "controller/network/traffic_control.h"
#include "controller/network/xfrm.h"

namespace glb::network {

class ForwardingReader {
  public:
    /// In the calling thread's network namespace.
    [[nodiscard]] static Result<ForwardingReader> open();

    /// Sets these members of the snapshot, which has its links. What cannot be read stays as it was at the last call; returns why, or an
    /// empty text.
    [[nodiscard]] std::string read(Snapshot &snapshot, MonotonicTime now);

  private:
    ForwardingReader(XfrmReader xfrm, RouteMtuReader route_mtus, Netlink netlink, Netlink nftables)
        : xfrm_(std::move(xfrm)), route_mtus_(std::move(route_mtus)), netlink_(std::move(netlink)),
          nftables_(std::move(nftables)) {}
    [[nodiscard]] Result<std::vector<EgressControl>> read_all_egress_controls(const std::vector<Link> &links);

    XfrmReader xfrm_;
    RouteMtuReader route_mtus_;
    Netlink netlink_;
    Netlink nftables_;
    Snapshot last_; ///< only these members
};

} // namespace glb::network
