// The guard alone, from the stored manifest: for the time between boot and the daemon's start.
#pragma once

#include <optional>
#include <string>

#include "controller/node/node.h"

namespace glb {

/// Installs the guard that the manifest in force wants (`first_manifest` where none was ever applied) and
/// nothing else; interfaces need not be there yet. What it installs outlives the process. Done at once where
/// there is no manifest, or where a daemon has the state folder: that one holds the guard. An error where a
/// manifest was stored and cannot be read, and `first_manifest` does not stand in for it; or where that one is needed and
/// cannot be read.
[[nodiscard]] Status install_boot_guard(const NodeSettings &settings, const std::optional<ManifestFile> &first_manifest);

} // namespace glb
