#include "controller/config/formats.h"
#include "controller/config/enum_strings.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

namespace glb {

namespace {

// Parses all of `digits` as a number in `base`.
std::optional<std::uint64_t> parse_digits(std::string_view digits, int base) {
    std::uint64_t value = 0;
    const auto *end = digits.data() + digits.size();
    const auto [stop, error] = std::from_chars(digits.data(), end, value, base);
    if (digits.empty() || error != std::errc{} || stop != end)
        return std::nullopt;
    return value;
}

std::optional<std::uint16_t> parse_status(std::string_view text) {
    const auto code = parse_digits(text, 10);
    if (text.size() != 3 || !code || *code < 200 || *code > 599)
        return std::nullopt;
    return static_cast<std::uint16_t>(*code);
}

bool is_alphanumeric(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

} // namespace

std::optional<std::uint64_t> parse_endpoint_id(std::string_view text) {
    constexpr std::string_view prefix = "vpce-0";
    if (!text.starts_with(prefix))
        return parse_hex_number(text);
    if (text.size() != prefix.size() + 16)
        return std::nullopt;
    return parse_digits(text.substr(prefix.size()), 16);
}

std::optional<std::uint64_t> parse_hex_number(std::string_view text) {
    if (!text.starts_with("0x") || text.size() > 2 + 16)
        return std::nullopt;
    return parse_digits(text.substr(2), 16);
}

std::optional<std::vector<std::uint8_t>> parse_hex_bytes(std::string_view text) {
    if (text.size() % 2 != 0)
        return std::nullopt;
    std::vector<std::uint8_t> bytes;
    for (std::size_t i = 0; i < text.size(); i += 2) {
        const auto byte = parse_digits(text.substr(i, 2), 16);
        if (!byte)
            return std::nullopt;
        bytes.push_back(static_cast<std::uint8_t>(*byte));
    }
    return bytes;
}

std::string format_hex_bytes(const std::vector<std::uint8_t> &bytes) {
    return fmt::format("{:02x}", fmt::join(bytes, ""));
}

std::optional<std::vector<StatusRange>> parse_matcher(std::string_view text) {
    std::vector<StatusRange> ranges;
    for (;;) {
        const auto comma = text.find(',');
        const auto part = text.substr(0, comma);
        const auto dash = part.find('-');
        const auto first = parse_status(part.substr(0, dash));
        const auto last = dash == std::string_view::npos ? first : parse_status(part.substr(dash + 1));
        if (!first || !last || *first > *last)
            return std::nullopt;
        ranges.push_back({*first, *last});
        if (comma == std::string_view::npos)
            return ranges;
        text.remove_prefix(comma + 1);
    }
}

std::string format_matcher(const std::vector<StatusRange> &ranges) {
    std::string text;
    for (const auto &range : ranges) {
        text += text.empty() ? "" : ",";
        text += range.first == range.last ? fmt::format("{}", range.first)
                                          : fmt::format("{}-{}", range.first, range.last);
    }
    return text;
}

bool is_name(std::string_view text) {
    return !text.empty() && text.size() <= 63 && std::all_of(text.begin(), text.end(), [](char c) {
        return is_alphanumeric(c) || c == '.' || c == '_' || c == '-';
    });
}

bool is_interface_name(std::string_view text) {
    constexpr std::string_view forbidden = "/:\"\\";
    return !text.empty() && text.size() <= 15 && text != "." && text != ".." &&
           std::all_of(text.begin(), text.end(), [&](char c) {
               return c > ' ' && c <= '~' && forbidden.find(c) == std::string_view::npos;
           });
}

} // namespace glb
