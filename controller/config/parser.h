// Parses a manifest into values, or into the list of all its errors.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "controller/config/manifest.h"
#include "controller/util/result.h"

namespace glb::config {

/// An error: its place as an RFC 6901 pointer ("": the whole document), and what is expected there (allowed
/// values, range, format).
struct ManifestError {
    std::string pointer;
    std::string message;

    bool operator==(const ManifestError &) const = default;
};

/// `FILE: /pointer: message`, the format in which all tools print errors. The whole document is `/`.
[[nodiscard]] std::string error_line(std::string_view file, std::string_view pointer,
                                     std::string_view message);

/// The readable part of a manifest, and all errors. Invalid list elements keep their positions, so that
/// indexes in pointers are those of the document.
struct UncheckedManifest {
    Manifest manifest;
    std::vector<ManifestError> errors;
};

/// Parses as much of `text` as possible. A syntax error gives an empty manifest and one error with pointer ""
/// that names line and column (from 1, the column in bytes). Limits: 8 MiB, 16 levels, 200,000 values, 1000
/// errors.
[[nodiscard]] UncheckedManifest parse_unchecked(std::string_view text);

/// The manifest, or all errors of the document. Pure: independent of files, time and the host. Unsupported
/// features are not errors here: see unsupported_features.h.
[[nodiscard]] Result<Manifest, std::vector<ManifestError>> parse_manifest(std::string_view text);

} // namespace glb::config
