// SavedState: the state before the guard was installed, persisted so that remove() can restore it, also after
// a restart: sysctl values, and the clsact qdiscs that the guard created.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "controller/util/result.h"

namespace glb::guard {

/// The value of a sysctl (key below /proc/sys) without the newline; nullopt: does not exist. Reads the
/// calling thread's network namespace.
[[nodiscard]] std::optional<std::string> read_sysctl(const std::string &key);
[[nodiscard]] Status write_sysctl(const std::string &key, const std::string &value);

struct SavedState {
    std::uint32_t mark_mask = 0;                ///< of the last installation; 0: none
    std::map<std::string, std::string> sysctls; ///< original values
    std::set<std::string> clsact;               ///< interfaces whose qdisc the guard created

    /// A missing file gives an empty state; a damaged one as well, and sets `damaged`.
    [[nodiscard]] static SavedState load(const std::filesystem::path &file, bool &damaged);
    [[nodiscard]] Status save(const std::filesystem::path &file) const;
    bool operator==(const SavedState &) const = default;
};

} // namespace glb::guard
