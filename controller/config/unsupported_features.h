// Features of the manifest that this version does not support yet.
#pragma once

#include <vector>

#include "controller/config/parser.h"

namespace glb::config {

/// An error for each value that requires an unsupported feature. Such values are rejected, never ignored;
/// defaults are accepted.
[[nodiscard]] std::vector<ManifestError> unsupported_features(const Manifest &manifest);

/// The manifest if this version can apply it, or all errors and unsupported features. Pure like
/// parse_manifest().
[[nodiscard]] Result<Manifest, std::vector<ManifestError>> parse_supported_manifest(std::string_view text);

} // namespace glb::config
