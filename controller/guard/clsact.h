// The clsact qdisc of an interface, which the guard's tc filter needs, through rtnetlink.
#pragma once

#include "lib/netlink/netlink.h"

namespace glb::guard {

/// Ensures that the qdisc exists. True: created; false: existed.
[[nodiscard]] Result<bool> add_clsact(Netlink &netlink, unsigned ifindex);

/// Removes the qdisc with its filters. Succeeds if it or the device does not exist.
[[nodiscard]] Status remove_clsact(Netlink &netlink, unsigned ifindex);

/// True if a tc request failed because the filter, the qdisc or the device does not exist.
[[nodiscard]] bool is_missing_in_tc(const Status &failed);

} // namespace glb::guard
