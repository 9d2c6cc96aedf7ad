// Text to numbers and bytes. All of the text counts: no sign, no space, no rest.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace glb {

/// nullopt for anything but digits of `base`, and for a value that `Number`, an unsigned type, cannot hold.
template <typename Number>
[[nodiscard]] std::optional<Number> parse_number(std::string_view text, int base = 10) {
    static_assert(std::is_unsigned_v<Number>);
    Number number = 0;
    const auto *const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number, base);
    if (error != std::errc{} || stop != end)
        return std::nullopt;
    return number;
}

/// `0x` and 1 to 16 hex digits.
[[nodiscard]] std::optional<std::uint64_t> parse_hex_number(std::string_view text);

/// Pairs of hex digits as bytes; nullopt for other characters or an odd number of digits.
[[nodiscard]] std::optional<std::vector<std::uint8_t>> parse_hex_bytes(std::string_view text);
[[nodiscard]] std::string format_hex_bytes(const std::vector<std::uint8_t> &bytes);

} // namespace glb
