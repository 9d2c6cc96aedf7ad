// The flow table's shape compared with others: lookups in the kernel, and the share of flows without a slot.
#pragma once

#include <string>
#include <vector>

#include "bench/measure.h"
#include "bench/node.h"

namespace glb::bench {

/// One shape at one load: lookups of present and of absent flows.
struct ShapeRow {
    std::string name;
    double load = 0;
    Figures hit;
    Figures miss;
};

/// The simulated loss of a shape at a load.
struct LossRow {
    std::string name;
    double load = 0;
    double lost = 0;  ///< share of the flows
    double lines = 0; ///< mean number of entries read for a hit
    double first = 0; ///< share of hits in the first entry
};

/// Fails if a program does not find the expected flows.
[[nodiscard]] Result<std::vector<ShapeRow>> measure_shapes(Generator &generator, const Wires &wires,
                                                           const Settings &settings, std::uint32_t entries,
                                                           const std::vector<double> &loads);
[[nodiscard]] std::vector<LossRow> simulate_loss(std::uint32_t entries, const std::vector<double> &loads);

} // namespace glb::bench
