// Checks across values: duplicate names, unknown target groups, conflicting interfaces, limits.
#pragma once

#include <vector>

#include "controller/config/parser.h"

namespace glb::config {

/// Appends errors between values of `manifest`, each at the later of the values concerned. Empty names and
/// addresses without a family already have an error from the parser and are skipped. Pure: independent of the
/// host.
void check_manifest(const Manifest &manifest, std::vector<ManifestError> &errors);

} // namespace glb::config
