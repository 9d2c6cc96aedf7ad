// Suggestions for misspelled names.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace glb::config {

/// The candidate with the smallest edit distance (Levenshtein over bytes, ignoring case), if that is at most
/// a third of the longer name, rounded up. The first of several.
[[nodiscard]] std::optional<std::string_view> closest_match(std::string_view text,
                                                            const std::vector<std::string_view> &candidates);

/// `; did you mean "interfaces"?`, or empty. To be appended to a message.
[[nodiscard]] std::string suggestion_suffix(std::string_view text,
                                            const std::vector<std::string_view> &candidates);

/// suggestion_suffix(); without a match, the first valid names: `; valid: a, b`, or `; none is defined`.
[[nodiscard]] std::string suggest_or_list(std::string_view text,
                                          const std::vector<std::string_view> &candidates);

} // namespace glb::config
