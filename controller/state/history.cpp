#include "controller/state/history.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <fstream>
#include <functional>

#include <nlohmann/json.hpp>

#include "controller/util/files.h"
#include "controller/util/numbers.h"

namespace glb::state {

namespace {

using nlohmann::json;

json to_json(const HistoryEntry &entry) {
    return {{"time", entry.time},
            {"by", entry.by},
            {"uid", entry.uid ? json(*entry.uid) : json()},
            {"pid", entry.pid ? json(*entry.pid) : json()},
            {"epoch", entry.epoch},
            {"file", entry.file},
            {"manifest", entry.manifest}};
}

/// nullopt if a crash truncated or zeroed the file.
std::optional<HistoryEntry> parse_entry(const std::string &text) {
    const auto row = json::parse(text, nullptr, false);
    const auto has = [&](const char *key, bool (json::*is)() const noexcept) {
        return row.contains(key) && (row[key].*is)();
    };
    if (!row.is_object() || !has("manifest", &json::is_string) || !has("time", &json::is_string) ||
        !has("by", &json::is_string) || !has("epoch", &json::is_number_integer))
        return std::nullopt;
    HistoryEntry entry{row["time"], row["by"], {}, {}, row["epoch"], row["manifest"]};
    if (has("file", &json::is_string))
        entry.file = row["file"];
    if (has("uid", &json::is_number_integer))
        entry.uid = row["uid"];
    if (has("pid", &json::is_number_integer))
        entry.pid = row["pid"];
    return entry;
}

} // namespace

std::string utc_now() {
    const std::time_t now = std::time(nullptr);
    std::tm parts{};
    ::gmtime_r(&now, &parts);
    std::array<char, 32> text{};
    const auto length = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
    return {text.data(), length};
}

std::vector<std::uint64_t> History::numbers(std::error_code &code) const {
    std::vector<std::uint64_t> all;
    for (const auto &file : std::filesystem::directory_iterator(folder_, code)) {
        const auto number = parse_number<std::uint64_t>(file.path().filename().string());
        if (number)
            all.push_back(*number);
    }
    std::sort(all.begin(), all.end(), std::greater<>());
    return all;
}

std::vector<HistoryEntry> History::entries() const {
    std::vector<HistoryEntry> all;
    std::error_code ignored;
    for (const auto number : numbers(ignored)) {
        const auto text = read_file(folder_ / std::to_string(number));
        if (auto entry = text ? parse_entry(*text) : std::nullopt)
            all.push_back(std::move(*entry));
    }
    return all;
}

std::vector<Condition> History::conditions() const {
    std::vector<Condition> found;
    const auto add = [&](const std::filesystem::path &path, const std::string &message) {
        found.push_back({Severity::warning, "state-damaged", path.string(), message, ""});
    };
    std::error_code code;
    for (const auto number : numbers(code)) {
        const auto path = folder_ / std::to_string(number);
        const auto text = read_file(path);
        if (!text)
            add(path, text.error().message);
        else if (!parse_entry(*text))
            add(path, path.string() + " is damaged: the entry is missing in the history");
    }
    if (code && code != std::errc::no_such_file_or_directory)
        add(folder_, fmt::format("cannot read directory {}: {}", folder_.string(), code.message()));
    return found;
}

Status History::add(const HistoryEntry &entry) {
    std::error_code code;
    if (!newest_) {
        const auto existing = numbers(code);
        newest_ = existing.empty() ? 0 : existing.front();
        if (const auto text = read_file(folder_ / std::to_string(*newest_)))
            newest_text_ = parse_entry(*text).value_or(HistoryEntry{}).manifest;
    }
    if (!newest_text_.empty() && newest_text_ == entry.manifest)
        return {};
    GLB_TRY(make_folders(folder_, 0700));
    // Atomic for concurrent readers, but not synced: losing the newest entry in a power failure is
    // acceptable, another fsync per change is not.
    const auto target = folder_ / std::to_string(*newest_ + 1);
    const auto temporary = folder_ / "new";
    {
        std::ofstream file(temporary, std::ios::binary | std::ios::trunc);
        file << to_json(entry).dump(-1, ' ', false, json::error_handler_t::replace);
        if (!file.flush())
            return fail("cannot write {}: this change is missing in the history", temporary.string());
    }
    std::filesystem::permissions(temporary, std::filesystem::perms(0600), code);
    std::filesystem::rename(temporary, target, code);
    if (code)
        return fail("cannot write {}: {}", target.string(), code.message());
    ++*newest_;
    newest_text_ = entry.manifest;
    const auto all = numbers(code);
    for (std::size_t i = max_entries; i < all.size(); ++i)
        std::filesystem::remove(folder_ / std::to_string(all[i]), code);
    return {};
}

} // namespace glb::state
