// Neighbours: make the kernel resolve an address and keep the entry refreshed.
#pragma once

#include "lib/netlink/netlink.h"

namespace glb::network {

/// Requests resolution of `address` on the device, as if a packet had to be sent there (NTF_USE). Does not
/// wait; the outcome is the neighbour's state.
[[nodiscard]] Status request_resolution(Netlink &netlink, unsigned ifindex, const IpAddress &address);

/// Who refreshes a neighbour entry.
enum class RefreshMode {
    managed, ///< the kernel (NTF_EXT_MANAGED, since Linux 5.16)
    on_use,  ///< the caller, by repeating request_resolution(); the kernel lacks managed entries
};

/// Creates or updates a managed entry. Older kernels ignore the flag silently, so the entry is read back to
/// learn which mode applies.
[[nodiscard]] Result<RefreshMode> manage_neighbour(Netlink &netlink, unsigned ifindex,
                                                   const IpAddress &address);

/// Removes an entry. Succeeds if the entry or its device does not exist.
[[nodiscard]] Status remove_neighbour(Netlink &netlink, unsigned ifindex, const IpAddress &address);

} // namespace glb::network
