// ChecksummedFile: a file that is believed only when it is what was written, with its former generation
// beside it.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "controller/util/result.h"

namespace glb {

struct LoadedFile {
    std::optional<std::string> text; ///< none: never written, or nothing that can be believed is left
    std::string warning;             ///< what is damaged, and what was taken instead; empty: all is well
};

/// PATH holds one line with the length and SHA-256 of all that follows it, then the content. PATH.previous is
/// the content before that.
class ChecksummedFile {
  public:
    explicit ChecksummedFile(std::filesystem::path path) : path_(std::move(path)) {}

    /// At every moment PATH is whole, with the old content or the new one, so no crash can lose both. The
    /// error of a failure names the file and the mend.
    [[nodiscard]] Status save(std::string_view content) const;

    /// A file that is empty, cut, zeroed, altered or cannot be read is never taken: then the former
    /// generation.
    [[nodiscard]] LoadedFile load() const;

    /// Removes both generations.
    [[nodiscard]] Status remove() const;

    [[nodiscard]] const std::filesystem::path &path() const { return path_; }

  private:
    [[nodiscard]] std::filesystem::path beside(const char *suffix) const { return path_.string() + suffix; }

    std::filesystem::path path_;
};

} // namespace glb
