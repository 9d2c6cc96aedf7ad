// History: the manifests that were applied, newest first, with time and origin.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "controller/documents/history.h"
#include "controller/util/condition.h"
#include "controller/util/result.h"

namespace glb::state {

struct HistoryEntry {
    std::string time;                 ///< UTC wall clock, "2026-01-31T12:00:00Z"; informational
    std::string by;                   ///< "apply", "rollback", "revert", "start", "reload"
    std::optional<std::uint32_t> uid; ///< of the requester; nullopt: the daemon itself
    std::optional<std::int32_t> pid;
    std::uint64_t epoch = 0;
    std::string manifest;  ///< JSON text
    std::string file = {}; ///< that it was read from; empty: none
};

/// One file FOLDER/<number> per entry, so that a change writes a single manifest. Damaged entries are
/// skipped. Informational: the active manifest is stored by StateStore.
class History {
  public:
    static constexpr std::size_t max_entries = documents::max_history_entries;

    explicit History(std::filesystem::path folder) : folder_(std::move(folder)) {}

    /// Does nothing if the newest entry has the same manifest. Removes the oldest entries beyond
    /// `max_entries`.
    [[nodiscard]] Status add(const HistoryEntry &entry);

    /// Newest first.
    [[nodiscard]] std::vector<HistoryEntry> entries() const;

    /// The folder or the entries that cannot be read or are damaged, a condition each. Reads all of them.
    [[nodiscard]] std::vector<Condition> conditions() const;

  private:
    [[nodiscard]] std::vector<std::uint64_t>
    numbers(std::error_code &code) const; ///< of the files, highest first

    std::filesystem::path folder_;
    std::optional<std::uint64_t> newest_; ///< number and text of the newest entry; nullopt: not read yet
    std::string newest_text_;
};

/// The current time in the format of HistoryEntry::time.
[[nodiscard]] std::string utc_now();

} // namespace glb::state
