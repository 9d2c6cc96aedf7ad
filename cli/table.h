// Table: rows for people, in aligned columns. Printed by libsmartcols, as lsblk's are.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/format.h"

namespace glb::cli {

struct Cell {
    std::string text;
    Style style = Style::plain;

    Cell(std::string content, Style how = Style::plain) : text(std::move(content)), style(how) {}
    Cell(const char *content, Style how = Style::plain) : text(content), style(how) {}
};

enum class Align : std::uint8_t { left, right };

struct Column {
    std::string title;
    Align align = Align::left;
};

/// Rows under a line of titles, two spaces between columns, no space at the end of a line.
class Table {
  public:
    explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

    /// Missing cells at the end of a row are empty; those beyond the last column are ignored.
    void add(std::vector<Cell> row) { rows_.push_back(std::move(row)); }
    [[nodiscard]] bool empty() const { return rows_.empty(); }
    [[nodiscard]] std::string text(bool colour) const;

  private:
    std::vector<Column> columns_;
    std::vector<std::vector<Cell>> rows_;
};

} // namespace glb::cli
