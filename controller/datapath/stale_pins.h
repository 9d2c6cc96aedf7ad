// Stale pins: those that no link, no active program and no migration uses.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "controller/datapath/pins.h"
#include "controller/util/result.h"

namespace glb::datapath {

struct StalePin {
    std::string kind; ///< "maps": a whole set; "link": of an interface that no longer exists
    std::string pin;  ///< its path
    std::function<Status()> remove;
};

/// What an older version or an interrupted daemon left in `bpffs`, if the active set is `active`. Only
/// pins that match in place and kind: a foreign pin in the folder is not reported.
[[nodiscard]] Result<std::vector<StalePin>> find_stale_pins(const std::filesystem::path &bpffs,
                                                            const Pins &active);

} // namespace glb::datapath
