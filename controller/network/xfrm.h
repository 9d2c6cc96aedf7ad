// IPsec (XFRM) policies that apply to packets that the node forwards. An XDP redirect bypasses them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "controller/network/snapshot.h"
#include "lib/netlink/netlink.h"

namespace glb::network {

/// Whether the policy, or the default, may drop or transform a forwarded packet. Those that cannot: of received
/// packets, without effect (allow, without templates), of an XFRM interface, of packets that the node itself sends
/// or receives by their addresses in `snapshot`. Pure.
[[nodiscard]] bool applies_to_forwarded(const XfrmPolicy &policy, const Snapshot &snapshot);

/// The first policy that applies to forwarded packets; null: none. Pure.
[[nodiscard]] const XfrmPolicy *xfrm_policy_of_forwarded(const Snapshot &snapshot);

/// Reads the policies of a network namespace, and again only if they have changed.
class XfrmReader {
  public:
    /// In the calling thread's network namespace. Without XFRM in the kernel there are no policies.
    [[nodiscard]] static Result<XfrmReader> open();

    [[nodiscard]] Result<std::vector<XfrmPolicy>> read();

  private:
    XfrmReader() = default;
    [[nodiscard]] bool has_changed();

    std::optional<Netlink> requests_; ///< nullopt: no XFRM
    std::optional<Netlink> events_;
    std::optional<std::vector<XfrmPolicy>> policies_; ///< as of the last read(); nullopt: unknown
};

} // namespace glb::network
