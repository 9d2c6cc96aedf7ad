// Pins that were removed while a daemon has what they named: without them the next daemon finds nothing to take over,
// and a link is detached when this one ends.
#pragma once

#include <string>
#include <vector>

#include "controller/datapath/handles.h"
#include "controller/util/result.h"

namespace glb::datapath {

/// Pins `fd` as `pin` unless that exists; true: it was missing.
[[nodiscard]] Result<bool> pin_if_missing(int fd, const std::filesystem::path &pin);

/// Pins the maps of a set again. Returns the paths that were missing.
[[nodiscard]] Result<std::vector<std::string>> restore_map_pins(const DatapathHandles &handles);

} // namespace glb::datapath
