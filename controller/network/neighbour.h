// Neighbours: make the kernel resolve an address and keep the entry refreshed. Entries that an operator or a routing
// daemon made (Neighbour::is_foreign()) are never changed nor removed.
#pragma once

#include <cstdint>
#include <optional>

#include "controller/network/snapshot.h"
#include "lib/netlink/netlink.h"

namespace glb::network {

/// The current entry; none if there is none.
[[nodiscard]] Result<std::optional<Neighbour>> read_neighbour(Netlink &netlink, unsigned ifindex,
                                                              const IpAddress &address);

/// Requests resolution of `address` on the device, as if a packet had to be sent there (NTF_USE). Does not
/// wait; the outcome is the neighbour's state. A managed entry remains managed.
[[nodiscard]] Status request_resolution(Netlink &netlink, unsigned ifindex, const IpAddress &address);

/// Who refreshes a neighbour entry.
enum class RefreshMode : std::uint8_t {
    managed, ///< the kernel (NTF_EXT_MANAGED, since Linux 5.16)
    on_use,  ///< the caller, by repeating manage_neighbour(); the kernel lacks managed entries
    foreign, ///< who made the entry
};

/// Creates or updates a managed entry. Older kernels ignore the flag silently, so the entry is read back to
/// learn which mode applies. The entry is marked as externally learned by glb: the kernel's garbage collection
/// spares it, and it is created also when the table is full.
[[nodiscard]] Result<RefreshMode> manage_neighbour(Netlink &netlink, unsigned ifindex,
                                                   const IpAddress &address);

/// Removes an entry. True: there is none now, or its device does not exist. False: a foreign one, which remains.
[[nodiscard]] Result<bool> remove_neighbour(Netlink &netlink, unsigned ifindex, const IpAddress &address);

/// How often the kernel found no place for an entry in its neighbour tables, of both IP versions (gc_thresh3). The
/// tables are shared by all network namespaces.
[[nodiscard]] Result<std::uint64_t> neighbour_table_overflows(Netlink &netlink);

} // namespace glb::network
