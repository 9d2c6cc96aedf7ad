// SavedState: what was before the guard came, kept in a file so that remove() can put it back, also after a
// restart: sysctl values, and which clsact qdiscs are of our making.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "controller/util/result.h"

namespace glb::guard {

/// The value of a sysctl (key below /proc/sys) without its newline; none where it does not exist. /proc/sys
/// is that of the calling thread's network namespace.
[[nodiscard]] std::optional<std::string> read_sysctl(const std::string &key);
[[nodiscard]] Status write_sysctl(const std::string &key, const std::string &value);

struct SavedState {
    std::uint32_t mark_mask = 0; ///< with which the guard was installed last; 0: never
    std::map<std::string, std::string> sysctls;
    std::set<std::string> clsact; ///< interfaces whose qdisc we made

    /// An absent file is an empty state; so is a damaged one, and then `damaged` is set.
    [[nodiscard]] static SavedState load(const std::filesystem::path &file, bool &damaged);
    [[nodiscard]] Status save(const std::filesystem::path &file) const;
    bool operator==(const SavedState &) const = default;
};

} // namespace glb::guard
