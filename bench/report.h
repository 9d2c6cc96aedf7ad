// The rows as a table for people and as one JSON document for scripts.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "bench/rows.h"
#include "bench/shapes.h"

namespace glb::bench {

/// Head and line of the table; a row follows as soon as it is measured.
[[nodiscard]] std::string table_head();
[[nodiscard]] std::string table_line(const Row &row);
/// What stands below: the counters that prove each row.
[[nodiscard]] std::string proof_lines(const std::vector<Row> &rows);

[[nodiscard]] std::string shape_table(const std::vector<ShapeRow> &rows, const std::vector<LossRow> &losses);

/// The last two may be empty.
[[nodiscard]] nlohmann::ordered_json to_json(const std::vector<Row> &rows, const Settings &settings,
                                             const std::vector<ShapeRow> &shapes,
                                             const std::vector<LossRow> &losses);

} // namespace glb::bench
