#include "controller/config/suggestions.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include <fmt/format.h>

namespace glb::config {

namespace {

// Longer names are not misspellings, and the cost is quadratic in the length.
constexpr std::size_t max_length = 64;
constexpr std::size_t max_listed = 16; // names in one message

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() +
                                 1); // row[j]: distance of the first i bytes of a from the first j bytes of b
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 1; i <= a.size(); ++i) {
        auto diagonal = std::exchange(row[0], i);
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const auto replaced = diagonal + (lower(a[i - 1]) == lower(b[j - 1]) ? 0 : 1);
            diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, replaced}));
        }
    }
    return row.back();
}

} // namespace

std::optional<std::string_view> closest_match(std::string_view text,
                                              const std::vector<std::string_view> &candidates) {
    std::optional<std::string_view> best;
    auto best_distance = max_length;
    for (const auto candidate : candidates) {
        const auto longer = std::max(text.size(), candidate.size());
        if (longer > max_length)
            continue;
        const auto found = edit_distance(text, candidate);
        if (found <= (longer + 2) / 3 && found < best_distance) {
            best = candidate;
            best_distance = found;
        }
    }
    return best;
}

std::string suggestion_suffix(std::string_view text, const std::vector<std::string_view> &candidates) {
    const auto match = closest_match(text, candidates);
    return match ? fmt::format("; did you mean \"{}\"?", *match) : std::string();
}

std::string suggest_or_list(std::string_view text, const std::vector<std::string_view> &candidates) {
    if (auto suggestion = suggestion_suffix(text, candidates); !suggestion.empty())
        return suggestion;
    if (candidates.empty())
        return "; none is defined";
    const auto shown =
        candidates.begin() + static_cast<std::ptrdiff_t>(std::min(candidates.size(), max_listed));
    return fmt::format("; valid: {}{}", fmt::join(candidates.begin(), shown, ", "),
                       shown == candidates.end() ? "" : ", …");
}

} // namespace glb::config
