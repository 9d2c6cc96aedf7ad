// ChecksummedFile: a file with a checksum and a previous generation.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "controller/util/result.h"

namespace glb::state {

struct LoadedFile {
    std::optional<std::string> text; ///< nullopt: never written, or no valid generation
    std::string warning;             ///< what is damaged and what is used instead; empty: nothing
};

/// PATH has a header line with the length and SHA-256 of the content, then the content. PATH.previous is the
/// previous generation.
class ChecksummedFile {
  public:
    explicit ChecksummedFile(std::filesystem::path path) : path_(std::move(path)) {}

    /// Replaces the content. After a crash at any point PATH has the old or the new content. An error names
    /// the file and the fix.
    [[nodiscard]] Status save(std::string_view content) const;

    /// The content; the previous generation if PATH is empty, truncated, modified or unreadable.
    [[nodiscard]] LoadedFile load() const;

    /// Removes both generations.
    [[nodiscard]] Status remove() const;

    [[nodiscard]] const std::filesystem::path &path() const { return path_; }

  private:
    [[nodiscard]] std::filesystem::path sibling(const char *suffix) const { return path_.string() + suffix; }

    std::filesystem::path path_;
};

} // namespace glb::state
