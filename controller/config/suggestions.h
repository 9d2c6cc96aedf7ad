// The name that a mistyped one was probably meant to be.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace glb {

/// The candidate at the smallest edit distance (Levenshtein, bytes, case ignored), where that is at most a
/// third of the longer of the two, rounded up. Of equally near ones the first.
[[nodiscard]] std::optional<std::string_view> closest_match(std::string_view text,
                                                            const std::vector<std::string_view> &candidates);

/// `; did you mean "interfaces"?`, or nothing: the end of a message.
[[nodiscard]] std::string suggestion_suffix(std::string_view text,
                                            const std::vector<std::string_view> &candidates);

/// suggestion_suffix(); where nothing is near, the first names of all: `; there are: a, b`, or `; there are
/// none`.
[[nodiscard]] std::string suggest_or_list(std::string_view text,
                                          const std::vector<std::string_view> &candidates);

} // namespace glb
