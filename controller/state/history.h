// History: the manifests that were in force, the last one first, with when and by whom they were made so.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "controller/util/result.h"

namespace glb {

struct HistoryEntry {
    std::string time; ///< UTC by the wall clock, "2026-01-31T12:00:00Z"; for people, nothing is decided by it
    std::string by;   ///< "apply", "rollback", "revert", "start", "reload"
    std::optional<std::uint32_t> uid; ///< of who asked; none: the daemon itself
    std::optional<std::int32_t> pid;
    std::uint64_t epoch = 0;
    std::string manifest;  ///< its text
    std::string file = {}; ///< that the daemon read it from; empty: none
};

/// FOLDER/<number>, one file an entry, so that a change writes one manifest and not all of them. An entry
/// that is damaged is passed over. It is for people: the manifest in force is kept by StateStore, and does
/// not need it.
class History {
  public:
    static constexpr std::size_t most = 20;

    explicit History(std::filesystem::path folder) : folder_(std::move(folder)) {}

    /// Nothing happens where the newest entry has this manifest already. Entries beyond `most` go.
    [[nodiscard]] Status add(const HistoryEntry &entry);

    /// The newest first.
    [[nodiscard]] std::vector<HistoryEntry> entries() const;

  private:
    [[nodiscard]] std::vector<std::uint64_t> numbers() const; ///< of the files, the highest first

    std::filesystem::path folder_;
    std::optional<std::uint64_t> newest_; ///< number and text of what was added last; none: not looked up yet
    std::string newest_text_;
};

/// Now, as HistoryEntry::time has it.
[[nodiscard]] std::string utc_now();

} // namespace glb
