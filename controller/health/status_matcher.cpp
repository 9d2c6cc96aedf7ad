#include "controller/health/status_matcher.h"

#include <algorithm>
#include <optional>

#include "controller/util/numbers.h"

namespace glb::health {
namespace {

constexpr int lowest_code = 200;
constexpr int highest_code = 599;

std::string_view trim(std::string_view text) {
    const auto first = text.find_first_not_of(' ');
    if (first == text.npos)
        return {};
    return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

std::optional<std::uint16_t> parse_code(std::string_view text) {
    const auto code = parse_number<std::uint16_t>(trim(text));
    if (!code || *code < lowest_code || *code > highest_code)
        return std::nullopt;
    return code;
}

} // namespace

Result<StatusMatcher::Range> StatusMatcher::parse_range(std::string_view text) {
    const auto dash = text.find('-');
    const auto first = parse_code(text.substr(0, dash));
    const auto last = dash == text.npos ? first : parse_code(text.substr(dash + 1));
    if (!first || !last)
        return fail("\"{}\" is not a status code or range of codes ({} to {}, for example \"200-399,404\")",
                    trim(text), lowest_code, highest_code);
    if (*first > *last)
        return fail("range \"{}\" ends before its start", trim(text));
    return Range{*first, *last};
}

Result<StatusMatcher> StatusMatcher::parse(std::string_view text) {
    std::vector<Range> ranges;
    for (std::size_t begin = 0; begin <= text.size();) {
        const auto end = std::min(text.find(',', begin), text.size());
        GLB_ASSIGN(const auto range, parse_range(text.substr(begin, end - begin)));
        ranges.push_back(range);
        begin = end + 1;
    }
    std::sort(ranges.begin(), ranges.end());

    StatusMatcher matcher;
    matcher.ranges_.clear();
    for (const auto &range : ranges) {
        if (!matcher.ranges_.empty() && range.first <= matcher.ranges_.back().last + 1)
            matcher.ranges_.back().last = std::max(matcher.ranges_.back().last, range.last);
        else
            matcher.ranges_.push_back(range);
    }
    return matcher;
}

bool StatusMatcher::matches(int status) const {
    return std::any_of(ranges_.begin(), ranges_.end(), [status](const Range &range) {
        return range.first <= status && status <= range.last;
    });
}

std::string StatusMatcher::to_string() const {
    std::string text;
    for (const auto &range : ranges_) {
        text += text.empty() ? "" : ",";
        text += range.first == range.last ? fmt::format("{}", range.first)
                                          : fmt::format("{}-{}", range.first, range.last);
    }
    return text;
}

} // namespace glb::health
