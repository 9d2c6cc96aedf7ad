#include "controller/control/bypasses.h"

#include "abi/config.h"
#include "controller/state/boot_time.h"
#include "controller/util/monotonic_time.h"

namespace glb::control {

std::vector<std::string> Bypasses::expire(MonotonicTime now) {
    std::vector<std::string> over;
    for (const auto &[endpoint, end] : ends_)
        if (end && *end <= now)
            over.push_back(endpoint);
    for (const auto &endpoint : over)
        ends_.erase(endpoint);
    return over;
}

void Bypasses::retain_only(const std::set<std::string> &endpoints) {
    std::erase_if(ends_, [&](const auto &row) { return !endpoints.contains(row.first); });
}

std::optional<std::uint64_t> Bypasses::seconds_left(const std::string &endpoint, MonotonicTime now) const {
    const auto found = ends_.find(endpoint);
    if (found == ends_.end() || !found->second)
        return std::nullopt;
    return seconds_until(*found->second, now);
}

std::uint64_t Bypasses::word(const std::string &endpoint) const {
    const auto found = ends_.find(endpoint);
    if (found == ends_.end())
        return 0;
    if (!found->second)
        return GLB_ENDPOINT_BYPASS;
    const auto end =
        std::chrono::duration_cast<std::chrono::nanoseconds>(found->second->time_since_epoch()).count();
    return GLB_ENDPOINT_BYPASS_UNTIL |
           static_cast<std::uint32_t>((static_cast<std::uint64_t>(end) >> GLB_TICK_SHIFT) + 1);
}

nlohmann::json Bypasses::to_json() const {
    auto rows = nlohmann::json::object();
    for (const auto &[endpoint, end] : ends_)
        rows[endpoint] = {{"until", end ? state::to_json_time(*end) : nlohmann::json()}};
    return rows.empty() ? nlohmann::json() : rows;
}

void Bypasses::set(const nlohmann::json &json) {
    ends_.clear();
    if (!json.is_object())
        return;
    for (const auto &[endpoint, row] : json.items())
        if (row.is_object() && row.contains("until"))
            ends_[endpoint] =
                row["until"].is_null() ? std::nullopt : std::optional(state::time_from_json(row["until"]));
}

} // namespace glb::control
