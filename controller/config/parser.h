// From the text of a manifest to its values, or to everything that is wrong with it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "controller/config/manifest.h"
#include "controller/util/result.h"

namespace glb {

/// One thing that is wrong: where, as an RFC 6901 pointer ("" is the whole document), and what would be
/// right (the allowed values, the range, the form).
struct ManifestError {
    std::string pointer;
    std::string message;

    bool operator==(const ManifestError &) const = default;
};

/// `FILE: /pointer: message`, as every tool tells an error. The whole document is told as `/`: an empty field
/// would read like a slip.
[[nodiscard]] std::string error_line(std::string_view file, std::string_view pointer,
                                     std::string_view message);

/// What could be read, and what was wrong. List elements keep their places even where they are broken, so
/// that indexes in later errors are the document's own.
struct UncheckedManifest {
    Manifest manifest;
    std::vector<ManifestError> errors;
};

/// Reads `text` as far as it goes. A syntax error leaves the manifest empty, with one error of pointer ""
/// that names line and column (both from 1, the column in bytes). At most 1000 errors are kept.
/// Bounds on the text: 8 MiB, 16 levels, 200,000 values.
[[nodiscard]] UncheckedManifest parse_unchecked(std::string_view text);

/// The manifest, or all errors of the document at once. Pure: no file, no clock, nothing of this machine.
/// Values that this version cannot do yet are no errors here: see supported.h.
[[nodiscard]] Result<Manifest, std::vector<ManifestError>> parse_manifest(std::string_view text);

} // namespace glb
