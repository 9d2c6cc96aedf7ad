// Programs and chains that filter what the kernel sends by an interface, other than queueing disciplines and tc filters.
#pragma once

#include <vector>

#include "controller/network/snapshot.h"
#include "lib/netlink/netlink.h"

namespace glb::network {

/// The nftables chains with an egress hook, of interfaces of `links`. `nftables`: a socket of NETLINK_NETFILTER. Empty if
/// the kernel has no nftables.
[[nodiscard]] Result<std::vector<EgressControl>> read_egress_chains(Netlink &nftables,
                                                                    const std::vector<Link> &links);

/// The interfaces of `links` with tcx programs at egress (Linux 6.6), in the calling thread's network namespace. Empty if
/// the kernel has no tcx, or without CAP_NET_ADMIN.
[[nodiscard]] std::vector<EgressControl> read_egress_tcx(const std::vector<Link> &links);

} // namespace glb::network
