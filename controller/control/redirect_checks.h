// What this machine does to forwarded packets and an XDP redirect does not.
#pragma once

#include <vector>

#include "controller/config/manifest.h"
#include "controller/network/snapshot.h"
#include "controller/util/condition.h"

namespace glb::control {

/// IPsec policies that may apply to forwarded packets ("ipsec-policy") or to tunnel packets
/// ("ipsec-policy-of-tunnel"), queueing disciplines and filters of the
/// interfaces by which they leave ("egress-qdisc", "egress-filter"). Warnings. Pure.
[[nodiscard]] std::vector<Condition> bypassed_by_redirects(const config::Manifest &manifest,
                                                           const network::Snapshot &snapshot);

} // namespace glb::control
