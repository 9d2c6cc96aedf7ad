#include "controller/config/suggestions.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include <fmt/format.h>

namespace glb {

namespace {

// Names are short; what is longer than this is no typing error, and the distance costs its square.
constexpr std::size_t longest = 64;
constexpr std::size_t most_listed = 16; // names in one message

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1); // row[j]: from the first i of a to the first j of b
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
    auto best_distance = longest;
    for (const auto candidate : candidates) {
        const auto longer = std::max(text.size(), candidate.size());
        if (longer > longest)
            continue;
        const auto found = distance(text, candidate);
        if (found <= (longer + 2) / 3 && found < best_distance) {
            best = candidate;
            best_distance = found;
        }
    }
    return best;
}

std::string suggestion_suffix(std::string_view text, const std::vector<std::string_view> &candidates) {
    const auto near = closest_match(text, candidates);
    return near ? fmt::format("; did you mean \"{}\"?", *near) : std::string();
}

std::string suggest_or_list(std::string_view text, const std::vector<std::string_view> &candidates) {
    if (auto near = suggestion_suffix(text, candidates); !near.empty())
        return near;
    if (candidates.empty())
        return "; there are none";
    const auto shown =
        candidates.begin() + static_cast<std::ptrdiff_t>(std::min(candidates.size(), most_listed));
    return fmt::format("; there are: {}{}", fmt::join(candidates.begin(), shown, ", "),
                       shown == candidates.end() ? "" : ", …");
}

} // namespace glb
