// The guard without a data path: between boot and the daemon's start, and if `down` kept it.
#pragma once

#include <optional>
#include <vector>

#include "controller/config/manifest.h"
#include "controller/control/manifest_file.h"
#include "controller/control/ports/ports.h"

namespace glb::control {

/// Installs the guard of `manifest`, whether or not its interfaces exist. Endpoint marks are those of maps that
/// are still pinned. Returns the guarded devices.
[[nodiscard]] Result<std::vector<std::string>> install_guard_alone(const Ports &ports,
                                                                   const config::Manifest &manifest);

/// Installs the guard that `down --keep-guard` kept, after a reboot too.
[[nodiscard]] Status install_kept_guard(const Ports &ports, const config::Manifest &kept);

/// For `glbd --guard-only`: installs the guard that the active manifest needs (`first_manifest` if none was
/// ever applied, else the one that was kept), and nothing else. It outlives the process. Does nothing if
/// there is no manifest. Fails if a manifest was stored and cannot be read, and `first_manifest` does not
/// replace it; or if that one is needed and cannot be read.
[[nodiscard]] Status install_boot_guard(const Ports &ports,
                                        const std::optional<ManifestFile> &first_manifest);

} // namespace glb::control
