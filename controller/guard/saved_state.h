// SavedState: the state before the guard was installed, persisted so that remove() can restore it, also after
// a restart: sysctl values, and the clsact qdiscs that the guard created.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "controller/util/condition.h"
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
    /// Guarded by name, for a guard without a manifest; nullopt: written by an earlier version.
    std::optional<std::set<std::string>> devices = std::nullopt;

    /// A missing file gives an empty state; a damaged one as well, and sets `damage` to what is wrong with it.
    [[nodiscard]] static SavedState load(const std::filesystem::path &file, std::string &damage);
    [[nodiscard]] Status save(const std::filesystem::path &file) const;
    bool operator==(const SavedState &) const = default;
};

/// A SavedState and its file. A file that cannot be written does not prevent the guard: it is written later.
class SavedStateFile {
  public:
    explicit SavedStateFile(std::filesystem::path file);

    SavedState *operator->() { return &state_; }
    /// Whether there is a file, damaged or not: a guard was installed.
    [[nodiscard]] bool exists() const { return exists_; }

    /// Writes what differs from the file. Before the values that it contains are changed. A failure is also a
    /// condition, until the next success.
    Status persist();
    [[nodiscard]] Status remove();
    /// What is wrong with the file: damaged at the start, or not writable.
    [[nodiscard]] std::vector<Condition> conditions() const;

  private:
    std::filesystem::path file_;
    SavedState state_;     ///< current
    SavedState persisted_; ///< content of the file
    bool exists_ = false;
    std::string damage_, write_error_; ///< empty: none
};

} // namespace glb::guard
