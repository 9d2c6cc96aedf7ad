// The guard alone, without a data path: for the time between boot and the daemon's start, and where down kept
// it.
#pragma once

#include <optional>
#include <string>

#include "controller/node/node.h"

namespace glb {

/// Remembers that the guard of this manifest stays though the manifest is in force no more; empty: none does.
[[nodiscard]] Status persist_kept_guard(StateStore &store, const std::string &manifest_text);
/// What persist_kept_guard() remembers: its text, empty where there is none; and understood.
[[nodiscard]] std::string load_kept_guard_text(const StateStore &store);
[[nodiscard]] std::optional<Manifest> load_kept_guard(const StateStore &store);
/// Installs that guard, after a reboot too, so that `guard` mends it from now on. False: there is none.
[[nodiscard]] Result<bool> ensure_kept_guard(const StateStore &store, const std::filesystem::path &bpffs,
                                             guard::Guard &guard);

/// Installs the guard that the manifest in force wants (`first_manifest` where none was ever applied, else
/// the one that down kept) and nothing else; interfaces need not be there yet. What it installs outlives the
/// process. Done at once where there is no manifest, or where a daemon has the state folder: that one holds
/// the guard. An error where a manifest was stored and cannot be read, and `first_manifest` does not stand in
/// for it; or where that one is needed and cannot be read.
[[nodiscard]] Status install_boot_guard(const NodeSettings &settings,
                                        const std::optional<ManifestFile> &first_manifest);

} // namespace glb
