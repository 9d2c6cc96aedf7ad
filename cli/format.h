// Values as text for people: units, styles, and safety of terminals. Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace glb::cli {

enum class Style : std::uint8_t { plain, good, warning, bad, dim };

/// The escape sequence that begins `style` (ECMA-48); empty for plain.
[[nodiscard]] const char *escape_sequence(Style style);

/// `text` in `style`, or unchanged without colour.
[[nodiscard]] std::string colorize(std::string_view text, Style style, bool colour);

/// The style of a target's state: healthy is good, unhealthy bad, the others a warning or dim.
[[nodiscard]] Style style_for_state(std::string_view state);

/// `text` without control sequences for terminals: control characters and invalid UTF-8 bytes are replaced by
/// "?".
[[nodiscard]] std::string sanitize(std::string_view text);

/// 1536 is "1.5 KiB"; powers of 1024, at most four digits before the point.
[[nodiscard]] std::string format_bytes(std::uint64_t bytes);

/// 12345 is "12.3 k"; powers of 1000. Below 1000 the number itself.
[[nodiscard]] std::string format_count(std::uint64_t count);

/// "1 packet", "2 packets", "12.3 k packets".
[[nodiscard]] std::string format_count(std::uint64_t count, std::string_view noun);

/// 40 is "40s", 130 "2m10s", 3900 "1h05m", 100000 "1d3h".
[[nodiscard]] std::string format_duration(std::uint64_t seconds);

/// A string without its quotes, "-" for null, all else as JSON.
[[nodiscard]] std::string format_value(const nlohmann::json &value);

/// The text or number, or "-" if there is none.
[[nodiscard]] std::string or_dash(const std::optional<std::string> &text);
template <typename Number>
[[nodiscard]] std::string or_dash(const std::optional<Number> &number) {
    return number ? std::to_string(*number) : "-";
}

} // namespace glb::cli
