// The flow table's shape against others: look-ups in the kernel, and the share of flows that find no place.
#pragma once

#include <string>
#include <vector>

#include "bench/measure.h"
#include "bench/node.h"

namespace glb::bench {

/// One shape at one load: look-ups of flows that are there, and of flows that are not.
struct ShapeRow {
    std::string name;
    double load = 0;
    Figures hit;
    Figures miss;
};

/// A shape's loss at a load, by simulation.
struct LossRow {
    std::string name;
    double load = 0;
    double lost = 0;  ///< share of the flows
    double lines = 0; ///< entries that a walk reads for a hit, in the mean
    double first = 0; ///< share of hits in the first one
};

/// Fails where a program found other flows than it was given.
[[nodiscard]] Result<std::vector<ShapeRow>> measure_shapes(Generator &generator, const Wires &wires,
                                                           const Settings &settings, std::uint32_t entries,
                                                           const std::vector<double> &loads);
[[nodiscard]] std::vector<LossRow> simulate_loss(std::uint32_t entries, const std::vector<double> &loads);

} // namespace glb::bench
