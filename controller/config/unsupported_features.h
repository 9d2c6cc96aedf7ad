// What a manifest may ask for and this version cannot do yet.
#pragma once

#include <vector>

#include "controller/config/parser.h"

namespace glb {

/// Every value of a sound manifest that asks for something to come, at its pointer: refused, never ignored.
/// A default asks for nothing. This list gets shorter with every release.
[[nodiscard]] std::vector<ManifestError> not_yet_supported(const Manifest &manifest);

/// The manifest where this version can apply it; else all that is wrong with it and all that it asks for and
/// is still to come, at once. As pure as parse_manifest().
[[nodiscard]] Result<Manifest, std::vector<ManifestError>> parse_supported_manifest(std::string_view text);

} // namespace glb
