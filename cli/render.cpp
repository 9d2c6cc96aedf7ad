#include "cli/render.h"

#include <algorithm>
#include <array>
#include <optional>

#include <fmt/format.h>

namespace glb::cli {

namespace {

using nlohmann::json;

struct CodePoint {
    char32_t value = 0;
    std::size_t bytes = 1;
    bool sound = false;
};

/// The code point at the front of `text`, which is not empty; an unsound one is a single byte (RFC 3629).
CodePoint next_code_point(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned first = byte(0);
    if (first < 0x80)
        return {first, 1, true};
    const std::size_t length = first >= 0xf0 && first < 0xf5 ? 4u
                               : first >= 0xe0               ? 3u
                               : first >= 0xc2               ? 2u
                                                             : 0u;
    if (length == 0 || first >= 0xf5 || text.size() < length)
        return {};
    char32_t value = first & (0xffu >> (length + 1));
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xc0u) != 0x80)
            return {};
        value = (value << 6) | (byte(i) & 0x3fu);
    }
    static constexpr std::array<char32_t, 5> smallest{0, 0, 0x80, 0x800, 0x10000};
    if (value < smallest[length] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000))
        return {};
    return {value, length, true};
}

struct Range {
    char32_t first;
    char32_t last;
};

// The blocks that matter for names and messages, after Unicode's EastAsianWidth.txt and category Mn.
constexpr std::array wide_ranges{
    Range{0x1100, 0x115f},   Range{0x2e80, 0x303e},   Range{0x3041, 0xa4cf},   Range{0xac00, 0xd7a3},
    Range{0xf900, 0xfaff},   Range{0xfe30, 0xfe6f},   Range{0xff00, 0xff60},   Range{0xffe0, 0xffe6},
    Range{0x1f300, 0x1f64f}, Range{0x1f900, 0x1f9ff}, Range{0x20000, 0x3fffd},
};
constexpr std::array zero_ranges{
    Range{0x0300, 0x036f}, Range{0x200b, 0x200f}, Range{0x20d0, 0x20ff},
    Range{0xfe00, 0xfe0f}, Range{0xfe20, 0xfe2f},
};

template <std::size_t N>
bool is_in(const std::array<Range, N> &ranges, char32_t value) {
    return std::any_of(ranges.begin(), ranges.end(),
                       [&](const Range &range) { return value >= range.first && value <= range.last; });
}

bool is_control(char32_t value) {
    // C0, DEL, C1, and the bidirectional overrides, which could make a line read as another.
    return value < 0x20 || (value >= 0x7f && value < 0xa0) || (value >= 0x202a && value <= 0x202e) ||
           (value >= 0x2066 && value <= 0x2069);
}

std::string scaled(std::uint64_t value, std::uint64_t base, const std::vector<std::string_view> &units) {
    if (value < base)
        return units[0].empty() ? fmt::format("{}", value) : fmt::format("{} {}", value, units[0]);
    auto number = static_cast<double>(value);
    std::size_t unit = 0;
    // 999.95 would be rounded to "1000.0": it goes up by one unit instead.
    while (number >= static_cast<double>(base) - 0.05 && unit + 1 < units.size()) {
        number /= static_cast<double>(base);
        ++unit;
    }
    return fmt::format("{:.1f} {}", number, units[unit]);
}

std::optional<std::uint64_t> number_of(const json &object, const char *member) {
    if (!object.is_object())
        return std::nullopt;
    const auto found = object.find(member);
    if (found == object.end() || !found->is_number())
        return std::nullopt;
    const double value = found->get<double>();
    if (found->is_number_unsigned())
        return found->get<std::uint64_t>();
    return value < 0 || value > 1.8e19 ? std::nullopt : std::optional(static_cast<std::uint64_t>(value));
}

} // namespace

std::string Table::text(bool colour) const {
    std::vector<std::size_t> widths;
    for (const auto &column : columns_)
        widths.push_back(display_width(column.title));
    for (const auto &row : rows_)
        for (std::size_t i = 0; i < std::min(row.size(), widths.size()); ++i)
            widths[i] = std::max(widths[i], display_width(sanitize(row[i].text)));

    std::string out;
    std::size_t owed = 0; // spaces that are written only when something follows on the line
    const auto put = [&](std::size_t i, const std::string &text, Style tone) {
        const std::size_t padding = widths[i] - display_width(text);
        const bool right = columns_[i].align == Align::right;
        out.append(owed + (right ? padding : 0), ' ');
        out += colorize(text, tone, colour);
        owed = 2 + (right ? 0 : padding);
    };
    const auto end_line = [&] {
        out += '\n';
        owed = 0;
    };
    for (std::size_t i = 0; i < columns_.size(); ++i)
        put(i, columns_[i].title, Style::dim);
    end_line();
    for (const auto &row : rows_) {
        for (std::size_t i = 0; i < std::min(row.size(), columns_.size()); ++i) {
            const auto text = sanitize(row[i].text);
            if (text.empty())
                owed += widths[i] + 2;
            else
                put(i, text, row[i].tone);
        }
        end_line();
    }
    return out;
}

std::string colorize(std::string_view text, Style tone, bool colour) {
    if (!colour || tone == Style::plain)
        return std::string(text);
    const std::string_view code = tone == Style::good      ? "32"
                                  : tone == Style::warning ? "33"
                                  : tone == Style::bad     ? "1;31"
                                                           : "2";
    return fmt::format("\033[{}m{}\033[0m", code, text);
}

std::size_t display_width(std::string_view text) {
    std::size_t width = 0;
    while (!text.empty()) {
        const auto point = next_code_point(text);
        if (!is_in(zero_ranges, point.value))
            width += is_in(wide_ranges, point.value) ? 2 : 1;
        text.remove_prefix(point.bytes);
    }
    return width;
}

std::string sanitize(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        const auto point = next_code_point(text);
        if (point.sound && !is_control(point.value))
            out += text.substr(0, point.bytes);
        else
            out += '?';
        text.remove_prefix(point.bytes);
    }
    return out;
}

std::string bytes_text(std::uint64_t bytes) {
    return scaled(bytes, 1024, {"B", "KiB", "MiB", "GiB", "TiB", "PiB"});
}

std::string count_text(std::uint64_t count) {
    return scaled(count, 1000, {"", "k", "M", "G", "T"});
}

std::string duration_text(std::uint64_t seconds) {
    if (seconds < 60)
        return fmt::format("{}s", seconds);
    if (seconds < 3600)
        return fmt::format("{}m{:02}s", seconds / 60, seconds % 60);
    if (seconds < 86400)
        return fmt::format("{}h{:02}m", seconds / 3600, seconds / 60 % 60);
    return fmt::format("{}d{}h", seconds / 86400, seconds / 3600 % 24);
}

std::string value_text(const json &value) {
    if (value.is_string())
        return value.get<std::string>();
    return value.is_null() ? "-" : value.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string text_of(const json &object, const char *member) {
    return object.is_object() && object.contains(member) ? value_text(object[member]) : "-";
}

std::string count_of(const json &object, const char *member) {
    const auto number = number_of(object, member);
    return number ? count_text(*number) : "-";
}

std::string bytes_of(const json &object, const char *member) {
    const auto number = number_of(object, member);
    return number ? bytes_text(*number) : "-";
}

std::string duration_of(const json &object, const char *member) {
    const auto number = number_of(object, member);
    return number ? duration_text(*number) : "-";
}

bool flag_of(const json &object, const char *member) {
    return object.is_object() && object.contains(member) && object[member] == true;
}

const json &array_of(const json &object, const char *member) {
    static const json none = json::array();
    return object.is_object() && object.contains(member) && object[member].is_array() ? object[member] : none;
}

const json &object_of(const json &object, const char *member) {
    static const json none = json::object();
    return object.is_object() && object.contains(member) && object[member].is_object() ? object[member]
                                                                                       : none;
}

Style style_for_state(std::string_view state) {
    if (state == "healthy")
        return Style::good;
    if (state == "unhealthy")
        return Style::bad;
    return state == "unused" || state == "unavailable" ? Style::dim : Style::warning;
}

} // namespace glb::cli
