// InstalledState: shadow copy of the map contents. Writers compare against it and update only rows that
// differ; clearing a row forces a rewrite.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "controller/datapath/program.h"
#include "controller/util/address.h"

namespace glb {

/// 0: none is loaded.
[[nodiscard]] inline std::uint64_t epoch_of(const std::optional<datapath::Program> &program) {
    const auto control = program ? program->control() : fail("none is loaded");
    return control ? control->epoch : 0;
}

struct InstalledState {
    std::optional<BankImage> bank;
    std::map<std::uint16_t, std::uint64_t> endpoint_words; ///< by an endpoint's
    std::map<std::uint32_t, glb_egress> egress;            ///< by an interface's
    std::map<std::pair<std::uint32_t, MacAddress>, std::pair<std::uint32_t, glb_next_hop>> hops;
    std::uint32_t next_hop_index = 0; ///< the next one of `hops`
    std::vector<std::string> names;   ///< rows of IndexAllocator

    /// All that a change may have left half written.
    void forget_change() {
        bank.reset();
        endpoint_words.clear();
    }
};

} // namespace glb
