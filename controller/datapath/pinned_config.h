// PinnedConfig: the configuration in a set of pinned maps, read without loading a program.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "abi/config.h"
#include "controller/datapath/pins.h"
#include "controller/util/result.h"

namespace glb::datapath {

/// Indexes of rows that are in use.
struct PinnedConfig {
    struct Group {
        glb_group row{};
        std::uint64_t fingerprint = 0; ///< of its Maglev table; 0: it has none
    };
    std::uint64_t epoch = 0;
    std::vector<std::string> names; ///< GLB_INDEX_NAMES rows
    std::map<std::uint16_t, Group> groups;
    std::map<std::uint16_t, glb_target> targets;
    std::map<std::uint16_t, std::uint64_t> target_states; ///< of `targets`
};

/// Rows of the active bank. Maps of an older schema may have shorter rows; what is missing is 0.
[[nodiscard]] Result<PinnedConfig> read_pinned_config(const Pins &pins);

} // namespace glb::datapath
