#include "cli/format.h"

#include <array>
#include <vector>

#include <fmt/format.h>

namespace glb::cli {

namespace {

using nlohmann::json;

struct CodePoint {
    char32_t value = 0;
    std::size_t bytes = 1;
    bool valid = false;
};

/// The code point at the front of `text`, which is not empty; an invalid one is a single byte (RFC 3629).
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

bool is_control(char32_t value) {
    // C0, DEL, C1, and the bidirectional overrides, which change the order in which a line reads.
    return value < 0x20 || (value >= 0x7f && value < 0xa0) || (value >= 0x202a && value <= 0x202e) ||
           (value >= 0x2066 && value <= 0x2069);
}

std::string scaled(std::uint64_t value, std::uint64_t base, const std::vector<std::string_view> &units) {
    if (value < base)
        return units[0].empty() ? fmt::format("{}", value) : fmt::format("{} {}", value, units[0]);
    auto number = static_cast<double>(value);
    std::size_t unit = 0;
    // 999.95 would be rounded to "1000.0": it is shown in the next unit instead.
    while (number >= static_cast<double>(base) - 0.05 && unit + 1 < units.size()) {
        number /= static_cast<double>(base);
        ++unit;
    }
    return fmt::format("{:.1f} {}", number, units[unit]);
}

} // namespace

const char *escape_sequence(Style style) {
    switch (style) {
    case Style::good:
        return "\033[32m";
    case Style::warning:
        return "\033[33m";
    case Style::bad:
        return "\033[1;31m";
    case Style::dim:
        return "\033[2m";
    default:
        return "";
    }
}

std::string colorize(std::string_view text, Style style, bool colour) {
    if (!colour || style == Style::plain)
        return std::string(text);
    return fmt::format("{}{}\033[0m", escape_sequence(style), text);
}

std::string sanitize(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        const auto point = next_code_point(text);
        if (point.valid && !is_control(point.value))
            out += text.substr(0, point.bytes);
        else
            out += '?';
        text.remove_prefix(point.bytes);
    }
    return out;
}

std::string format_bytes(std::uint64_t bytes) {
    return scaled(bytes, 1024, {"B", "KiB", "MiB", "GiB", "TiB", "PiB"});
}

std::string format_count(std::uint64_t count) {
    return scaled(count, 1000, {"", "k", "M", "G", "T"});
}

std::string format_count(std::uint64_t count, std::string_view noun) {
    return fmt::format("{} {}{}", format_count(count), noun, count == 1 ? "" : "s");
}

std::string format_duration(std::uint64_t seconds) {
    if (seconds < 60)
        return fmt::format("{}s", seconds);
    if (seconds < 3600)
        return fmt::format("{}m{:02}s", seconds / 60, seconds % 60);
    if (seconds < 86400)
        return fmt::format("{}h{:02}m", seconds / 3600, seconds / 60 % 60);
    return fmt::format("{}d{}h", seconds / 86400, seconds / 3600 % 24);
}

std::string format_value(const json &value) {
    if (value.is_string())
        return value.get<std::string>();
    return value.is_null() ? "-" : value.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string or_dash(const std::optional<std::string> &text) {
    return text.value_or("-");
}

Style style_for_state(std::string_view state) {
    if (state == "healthy")
        return Style::good;
    if (state == "unhealthy")
        return Style::bad;
    return state == "unused" || state == "unavailable" ? Style::dim : Style::warning;
}

} // namespace glb::cli
