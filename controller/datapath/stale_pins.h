// Leftovers: pins in our folder that no link, no program in force and no move of flows has a use for.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "controller/datapath/pins.h"
#include "controller/util/result.h"

namespace glb::datapath {

struct StalePin {
    std::string kind; ///< "maps": a whole set; "link": of an interface that is gone
    std::string pin;  ///< its path
    std::function<Status()> remove;
};

/// What an older version, or a daemon that was cut short, has left in `bpffs`, where the set in force is
/// `own`. Only what is ours by its place and by its kind: another's pin in our folder is not named.
[[nodiscard]] Result<std::vector<StalePin>> find_stale_pins(const std::filesystem::path &bpffs,
                                                            const Pins &own);

} // namespace glb::datapath
