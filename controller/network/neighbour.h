// Neighbours: making the kernel resolve an address and keep it resolved.
#pragma once

#include "controller/network/netlink.h"

namespace glb {

/// Makes the kernel resolve `address` on the device as if a packet had to be sent there (NTF_USE). It does
/// not wait: the neighbour's state tells the outcome.
[[nodiscard]] Status request_resolution(Netlink &netlink, unsigned ifindex, const IpAddress &address);

/// How a neighbour is kept fresh.
enum class Freshness {
    managed, ///< the kernel does it by itself (NTF_EXT_MANAGED, Linux 5.16)
    on_use,  ///< the kernel is too old: the caller repeats request_resolution()
};

/// Keeps a neighbour resolved. It is probed whether the kernel knows managed entries: an older one ignores
/// the flag in silence, so the entry is read back.
[[nodiscard]] Result<Freshness> keep_fresh(Netlink &netlink, unsigned ifindex, const IpAddress &address);

/// Ends what keep_fresh() began. An entry that is gone is no failure.
[[nodiscard]] Status finish(Netlink &netlink, unsigned ifindex, const IpAddress &address);

} // namespace glb
