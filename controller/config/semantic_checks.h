// What no single value shows: names that are twice, groups that are missing, ports that collide, limits.
#pragma once

#include <vector>

#include "controller/config/parser.h"

namespace glb {

/// Appends what is wrong between the values of `manifest`, each at the later of the values concerned. A value
/// that is empty (a name) or has no family (an address) was refused when it was read, and is passed over.
/// Pure: nothing of this machine.
void check_manifest(const Manifest &manifest, std::vector<ManifestError> &errors);

} // namespace glb
