// GET /v1/history: the manifests that were active, the current one first.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "controller/documents/document.h"

namespace glb::documents {

/// At most as many entries, the active manifest included.
inline constexpr std::size_t max_history_entries = 20;

struct HistoryEntry {
    std::uint64_t back = 0;           ///< position: 0 is the active manifest, 1 the one before
    std::string time;                 ///< UTC, 2026-01-31T12:00:00Z
    std::string by;                   ///< apply, rollback, revert, start, reload
    std::optional<std::string> file;  ///< from which the daemon read it
    std::optional<std::uint32_t> uid; ///< of the client; none: the daemon itself
    std::optional<std::int64_t> pid;
    std::uint64_t epoch = 0;
    std::optional<std::uint64_t>
        endpoints; ///< this and the next two: none if the manifest cannot be parsed any more
    std::optional<std::uint64_t> target_groups;
    std::optional<std::uint64_t> targets;

    static constexpr auto members() {
        return std::tuple{member("back", &HistoryEntry::back),
                          member("time", &HistoryEntry::time),
                          member("by", &HistoryEntry::by),
                          member("file", &HistoryEntry::file),
                          member("uid", &HistoryEntry::uid),
                          member("pid", &HistoryEntry::pid),
                          member("epoch", &HistoryEntry::epoch),
                          omitted_if_empty("endpoints", &HistoryEntry::endpoints),
                          omitted_if_empty("targetGroups", &HistoryEntry::target_groups),
                          omitted_if_empty("targets", &HistoryEntry::targets)};
    }
    bool operator==(const HistoryEntry &) const = default;
};

struct History {
    std::vector<HistoryEntry> history;

    static constexpr auto members() { return std::tuple{required("history", &History::history)}; }
    bool operator==(const History &) const = default;
};

} // namespace glb::documents
