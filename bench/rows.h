// What is measured: one function a row.
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
    std::string what; ///< a sentence: packet, flows, state of the table
    Figures figures;
    Occupancy table{};                            ///< when the row began; 0 entries where there is none
    std::map<std::string, std::uint64_t> counted; ///< by the program, from the row's first packet to its last
};

struct RowSpec {
    std::string name;
    std::function<Result<Row>(Generator &, const Wires &, const Settings &)> measure;
};

/// The seven rows of --quick, in their order. A row fails where the program's own counters say that it did
/// something else than the row's name; how long it took never fails anything.
[[nodiscard]] std::vector<RowSpec> quick_rows();

} // namespace glb::bench
