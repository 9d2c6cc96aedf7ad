// The guard without a data path: between boot and the daemon's start, and if `down` kept it.
#pragma once

#include <optional>
#include <vector>

#include "controller/config/manifest.h"
#include "controller/control/guard_source.h"
#include "controller/control/manifest_file.h"
#include "controller/control/ports/ports.h"

namespace glb::control {

/// Installs the guard of `manifest`, whether or not its interfaces exist. Endpoint marks are those of maps that
/// are still pinned. Unless it is complete (GuardSource), what else had a guard keeps one. Returns the guarded devices.
[[nodiscard]] Result<std::vector<std::string>>
install_guard_alone(const Ports &ports, const config::Manifest &manifest, bool is_complete);

/// Installs the guard of `source`. If that is not possible because the manifest is not known, or only in part, the
/// guard that stands is kept (unless `anew`), or that of the last devices installed. False: there is nothing to guard.
/// `effect` is for the log.
[[nodiscard]] Result<bool> install_guard_of(const Ports &ports, const GuardSource &source,
                                            const std::string &effect, bool anew = false);

/// For `glbd --guard-only`: installs the guard that the active manifest needs (`first_manifest` if none was ever
/// applied, else the one that was kept), and nothing else. It outlives the process. Does nothing if there is no
/// manifest. If a manifest was stored and cannot be read, see GuardSource; fails if nothing is known of it and
/// `first_manifest` does not replace it, or if that one is needed and cannot be read.
[[nodiscard]] Status install_boot_guard(const Ports &ports,
                                        const std::optional<ManifestFile> &first_manifest);

} // namespace glb::control
