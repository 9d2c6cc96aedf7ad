// A folder that one process has to itself.
#pragma once

#include <filesystem>

#include "controller/util/fd.h"
#include "controller/util/result.h"

namespace glb {

/// Makes `folder` (0700) where it is missing and locks it (flock(2)) until the descriptor is closed, by the
/// kernel too where the process is killed. On any file system. EBUSY where another process has it, whose pid
/// the message names where /proc/locks tells it.
[[nodiscard]] Result<Fd> lock_folder(const std::filesystem::path &folder);

} // namespace glb
