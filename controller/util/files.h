// Files that are whole or not there: reading, and atomic writing.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "controller/util/result.h"

namespace glb {

/// The whole content of `path`. Fails where it cannot be opened or read, or is larger than `max_bytes`.
[[nodiscard]] Result<std::string> read_file(const std::filesystem::path &path,
                                            std::size_t max_bytes = 64u << 20);

/// Replaces `path` so that after any crash it holds either the old bytes or the new ones:
/// write beside it, fsync, rename, fsync the folder. On failure the old file is untouched.
[[nodiscard]] Status write_file_atomically(const std::filesystem::path &path, std::string_view content,
                                           unsigned mode = 0640);

/// What a person can do about a write in `folder` that failed with `code`, an errno value.
[[nodiscard]] std::string write_error_hint(int code, const std::filesystem::path &folder);

/// Makes `path` and its parents where they are missing.
[[nodiscard]] Status make_folders(const std::filesystem::path &path, unsigned mode = 0755);

} // namespace glb
