// What a manifest may ask for and this version cannot do yet.
#pragma once

#include <vector>

#include "controller/config/parse.h"

namespace glb {

/// Every value of a sound manifest that asks for something to come, at its pointer: refused, never ignored.
/// A default asks for nothing. This list gets shorter with every release.
[[nodiscard]] std::vector<ManifestError> not_yet_supported(const Manifest &manifest);

} // namespace glb
