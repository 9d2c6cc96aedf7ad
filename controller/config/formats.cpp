#include "controller/config/formats.h"
#include "controller/config/enum_strings.h"
#include "controller/util/numbers.h"

#include <algorithm>

#include <fmt/format.h>

namespace glb::config {

namespace {

std::optional<std::uint16_t> parse_status(std::string_view text) {
    const auto code = parse_number<std::uint16_t>(text);
    if (text.size() != 3 || !code || *code < 200 || *code > 599)
        return std::nullopt;
    return code;
}

bool is_alphanumeric(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

} // namespace

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

} // namespace glb::config
