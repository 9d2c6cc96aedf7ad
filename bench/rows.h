// The rows of the report: one function per row.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "bench/measure.h"
#include "bench/node.h"

namespace glb::bench {

/// One line of the report.
struct Row {
    std::string name;
    std::string what; ///< packets, flows and state of the table
    Figures figures;
    Occupancy table{}; ///< at the start of the row; 0 entries where it has no table
    std::map<std::string, std::uint64_t> counted; ///< by the program during the row
};

struct RowSpec {
    std::string name;
    std::function<Result<Row>(Generator &, const Wires &, const Settings &)> measure;
};

/// The seven rows of --quick. A row fails if the program's counters show another path than the row's, never
/// because of its duration.
[[nodiscard]] std::vector<RowSpec> quick_rows();

} // namespace glb::bench
