// What the kernel does to packets that it sends by an interface: queueing disciplines and egress filters. An XDP
// redirect bypasses them.
#pragma once

#include <string>
#include <vector>

#include "controller/network/snapshot.h"
#include "lib/netlink/netlink.h"

namespace glb::network {

/// Queueing disciplines that limit, reorder or drop by a configuration, and the kinds of filters at egress, of all
/// interfaces. Without those that only queue (fq_codel, pfifo_fast, mq, ...).
[[nodiscard]] Result<std::vector<EgressControl>> read_egress_controls(Netlink &netlink);

} // namespace glb::network
