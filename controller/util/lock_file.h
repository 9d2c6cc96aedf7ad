// An exclusive lock on a folder.
#pragma once

#include <filesystem>

#include "controller/util/fd.h"
#include "controller/util/result.h"

namespace glb {

/// Creates `folder` (0700) unless it exists and locks it (flock(2)) until the descriptor is closed or the
/// process ends. Works on any file system. EBUSY if another process holds the lock; the message has its
/// pid if /proc/locks lists it.
[[nodiscard]] Result<Fd> lock_folder(const std::filesystem::path &folder);

} // namespace glb
