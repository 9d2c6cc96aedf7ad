// The rows as a table for people and as one JSON document for scripts.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "bench/rows.h"

namespace glb::bench {

/// Head and line of the table; a row follows as soon as it is measured.
[[nodiscard]] std::string table_head();
[[nodiscard]] std::string table_line(const Row &row);
/// What stands below: the counters that prove each row.
[[nodiscard]] std::string proof_lines(const std::vector<Row> &rows);

[[nodiscard]] nlohmann::ordered_json to_json(const std::vector<Row> &rows, const Settings &settings);

} // namespace glb::bench
