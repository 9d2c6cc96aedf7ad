// The rows as a table and as one JSON document.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "bench/rows.h"
#include "bench/shapes.h"

namespace glb::bench {

/// Header and line of the table; each line is printed as soon as its row is measured.
[[nodiscard]] std::string table_head();
[[nodiscard]] std::string table_line(const Row &row);
/// Below the table: the counters that verify each row.
[[nodiscard]] std::string counter_lines(const std::vector<Row> &rows);

[[nodiscard]] std::string shape_table(const std::vector<ShapeRow> &rows, const std::vector<LossRow> &losses);

/// The last two may be empty.
[[nodiscard]] nlohmann::ordered_json to_json(const std::vector<Row> &rows, const Settings &settings,
                                             const std::vector<ShapeRow> &shapes,
                                             const std::vector<LossRow> &losses);

} // namespace glb::bench
