// Parses JSON text into a DOM and reports what a DOM loses: duplicate members and inexact numbers.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "controller/config/parser.h"

namespace glb::config {

/// Appends one reference token to an RFC 6901 pointer, with `~` and `/` escaped.
[[nodiscard]] std::string pointer_to(std::string_view parent, std::string_view member);
[[nodiscard]] std::string pointer_to(std::string_view parent, std::size_t index);

struct Document {
    std::optional<nlohmann::json> root; ///< nullopt after a syntax error or if a limit is exceeded
    std::vector<ManifestError> errors;
};

/// Parses RFC 8259 JSON in UTF-8. The last of duplicate members is used.
[[nodiscard]] Document read_document(std::string_view text);

} // namespace glb::config
