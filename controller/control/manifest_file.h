// The file that --manifest names: it counts if no manifest was ever applied, and at SIGHUP.
#pragma once

#include <filesystem>
#include <string>
#include <utility>

#include "controller/config/parser.h"
#include "controller/util/files.h"

namespace glb::control {

struct ManifestFile {
    std::filesystem::path path;
    Result<std::string> text; ///< or why it cannot be read, which matters only where it is needed
};

[[nodiscard]] inline ManifestFile read_manifest_file(std::filesystem::path path) {
    auto text = read_file(path);
    return {std::move(path), std::move(text)};
}

/// Why the manifest in `file` is not taken: a line for each of `problems`, each with a pointer and a message.
template <typename Problems>
[[nodiscard]] tl::unexpected<Error> refused(const std::filesystem::path &file, const Problems &problems) {
    std::string lines;
    for (const auto &[pointer, message] : problems)
        lines += (lines.empty() ? "" : "\n") + config::error_line(file.string(), pointer, message);
    return tl::unexpected(Error{std::move(lines)});
}

} // namespace glb::control
