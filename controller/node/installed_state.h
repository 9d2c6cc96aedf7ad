// InstalledState: shadow copy of the map contents. Writers compare against it and update only rows that
// differ; clearing a row forces a rewrite.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "controller/datapath/roles.h"

namespace glb {

/// 0: none is loaded.
[[nodiscard]] inline std::uint64_t epoch_of(const std::optional<datapath::Roles> &datapath) {
    const auto control = datapath ? datapath->counters.control() : fail("none is loaded");
    return control ? control->epoch : 0;
}

struct InstalledState {
    std::optional<BankImage> bank;
    std::map<std::uint16_t, std::uint64_t> endpoint_words; ///< by an endpoint's
    std::vector<std::string> names;                        ///< rows of IndexAllocator

    /// All that a change may have left half written.
    void forget_change() {
        bank.reset();
        endpoint_words.clear();
    }
};

} // namespace glb
