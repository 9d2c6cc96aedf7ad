// A manifest against the machine that shall run it.
#pragma once

#include <vector>

#include "controller/config/parser.h"
#include "controller/network/snapshot.h"

namespace glb {

/// Errors forbid an apply; warnings are told, and the node works as soon as, or as well as, the machine does.
struct HostFindings {
    std::vector<ManifestError> errors;
    std::vector<ManifestError> warnings;
};

/// Errors: an interface that is absent (a near name is told), the loopback, and, in native mode, a device on
/// top of others that has no driver to run XDP in (a VLAN device, bridge, macvlan). Warnings: the tunnel's
/// address is absent or elsewhere, an interface is down, the tunnel's MTU is below an endpoint's + 68, a
/// target has one of this machine's addresses. Pure.
[[nodiscard]] HostFindings check_host(const Manifest &manifest, const Snapshot &snapshot);

} // namespace glb
