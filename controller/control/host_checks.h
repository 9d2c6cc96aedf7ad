// Checks a manifest against this machine.
#pragma once

#include <cstdint>
#include <vector>

#include "controller/config/parser.h"
#include "controller/network/snapshot.h"
#include "controller/util/condition.h"

namespace glb::control {

/// Errors refuse an apply. Warnings are reported: the node becomes ready once their cause is fixed.
struct HostFindings {
    std::vector<config::ManifestError> errors;
    std::vector<Condition> warnings; ///< `where` is a JSON pointer
};

/// Errors: an interface that is absent (a similar name is suggested), the loopback, a bond, its members and what is
/// on top of it, and, in native mode, a device on top of others that has no driver to run XDP in (a VLAN device,
/// bridge, macvlan). Warnings: the tunnel's
/// address is absent or elsewhere, an interface is down, the tunnel's MTU is below an endpoint's + 68, a
/// target has one of this machine's addresses. Pure.
[[nodiscard]] HostFindings check_host(const config::Manifest &manifest, const network::Snapshot &snapshot);

/// The health checks of all targets fit into `limit` open descriptors. Pure.
[[nodiscard]] std::vector<config::ManifestError> check_descriptors(const config::Manifest &manifest,
                                                                   std::uint64_t limit);

} // namespace glb::control
