// JSON text to a DOM, keeping what a DOM loses: duplicate members and numbers that cannot be held exactly.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "controller/config/parser.h"

namespace glb {

/// Appends one reference token to an RFC 6901 pointer, with `~` and `/` escaped.
[[nodiscard]] std::string pointer_to(std::string_view parent, std::string_view member);
[[nodiscard]] std::string pointer_to(std::string_view parent, std::size_t index);

struct Document {
    std::optional<nlohmann::json> root; ///< none after a syntax error or a bound that was passed
    std::vector<ManifestError> errors;
};

/// Parses RFC 8259 JSON in UTF-8. Of a duplicate member the later value is kept.
[[nodiscard]] Document read_document(std::string_view text);

} // namespace glb
