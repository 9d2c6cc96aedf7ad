// Tables for people: aligned columns, units, colour where it helps. Pure functions from values to text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

namespace glb::cli {

enum class Style : std::uint8_t { plain, good, warning, bad, dim };

struct Cell {
    std::string text;
    Style tone = Style::plain;

    Cell(std::string words, Style colour = Style::plain) : text(std::move(words)), tone(colour) {}
    Cell(const char *words, Style colour = Style::plain) : text(words), tone(colour) {}
};

enum class Align : std::uint8_t { left, right };

struct Column {
    std::string title;
    Align align = Align::left;
};

/// Rows under a line of titles, two spaces between columns, none at a line's end.
class Table {
  public:
    explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

    /// A row shorter than the table ends there; what is beyond its columns is left away.
    void add(std::vector<Cell> row) { rows_.push_back(std::move(row)); }
    [[nodiscard]] bool empty() const { return rows_.empty(); }
    [[nodiscard]] std::string text(bool colour) const;

  private:
    std::vector<Column> columns_;
    std::vector<std::vector<Cell>> rows_;
};

/// `text` in the tone's colour (ECMA-48), or unchanged without colour.
[[nodiscard]] std::string colorize(std::string_view text, Style tone, bool colour);

/// Columns that `text` (UTF-8) takes on a terminal: 0 for combining marks, 2 for wide characters.
[[nodiscard]] std::size_t display_width(std::string_view text);

/// `text` without what could steer a terminal: each control character and broken byte becomes "?".
[[nodiscard]] std::string sanitize(std::string_view text);

/// 1536 is "1.5 KiB"; powers of 1024, at most four characters before the unit.
[[nodiscard]] std::string bytes_text(std::uint64_t bytes);

/// 12345 is "12.3 k"; powers of 1000. Below 1000 the number itself.
[[nodiscard]] std::string count_text(std::uint64_t count);

/// 40 is "40s", 130 "2m10s", 3900 "1h05m", 100000 "1d3h".
[[nodiscard]] std::string duration_text(std::uint64_t seconds);

/// A string without its quotes, "-" for null, all else as JSON.
[[nodiscard]] std::string value_text(const nlohmann::json &value);

/// Members of a JSON object that may be absent or of another type: a table then shows "-", never throws.
[[nodiscard]] std::string text_of(const nlohmann::json &object, const char *member);
[[nodiscard]] std::string count_of(const nlohmann::json &object, const char *member);
[[nodiscard]] std::string bytes_of(const nlohmann::json &object, const char *member);
[[nodiscard]] std::string duration_of(const nlohmann::json &object, const char *member);
[[nodiscard]] bool flag_of(const nlohmann::json &object, const char *member);

/// The member, or an empty array or object where it is absent or of another type.
[[nodiscard]] const nlohmann::json &array_of(const nlohmann::json &object, const char *member);
[[nodiscard]] const nlohmann::json &object_of(const nlohmann::json &object, const char *member);

/// The tone of a target's state: healthy is good, unhealthy bad, the others a warning or dim.
[[nodiscard]] Style style_for_state(std::string_view state);

} // namespace glb::cli
