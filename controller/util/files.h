// Reading files, and replacing them atomically.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "controller/util/result.h"

namespace glb {

/// The content of `path`. Fails if it cannot be read or exceeds `max_bytes`.
[[nodiscard]] Result<std::string> read_file(const std::filesystem::path &path,
                                            std::size_t max_bytes = 64u << 20);

/// Replaces the content of `path`; after a crash the file has either the old or the new content (write a
/// sibling, fsync, rename, fsync the directory). On failure the old file is unchanged.
[[nodiscard]] Status write_file_atomically(const std::filesystem::path &path, std::string_view content,
                                           unsigned mode = 0640);

/// How an operator can fix a write in `folder` that failed with the errno value `code`.
[[nodiscard]] std::string write_error_hint(int code, const std::filesystem::path &folder);

/// Creates `path` and its parents unless they exist.
[[nodiscard]] Status make_folders(const std::filesystem::path &path, unsigned mode = 0755);

} // namespace glb
