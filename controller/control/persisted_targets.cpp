#include "controller/control/persisted_targets.h"

#include <optional>
#include <string>

#include "controller/config/enum_strings.h"
#include "controller/state/boot_time.h"

namespace glb::control {

namespace {

using nlohmann::json;

template <typename E>
std::optional<E> enum_of(const std::string &text, E last) {
    for (int i = 0; i <= static_cast<int>(last); ++i)
        if (to_string(static_cast<E>(i)) == text)
            return static_cast<E>(i);
    return std::nullopt;
}

std::string string_of(const json &row, const char *key) {
    const auto found = row.find(key);
    return found != row.end() && found->is_string() ? found->get<std::string>() : std::string();
}

json object_of(const json &row, const char *key) {
    const auto found = row.is_object() ? row.find(key) : row.end();
    return row.is_object() && found != row.end() && found->is_object() ? *found : json::object();
}

void read_health(const json &health, health::PersistedTargets &targets) {
    if (!health.is_object())
        return;
    for (const auto &[name, row] : health.items()) {
        if (!row.is_object())
            continue;
        const auto state = enum_of(string_of(row, "state"), health::TargetState::unavailable);
        const auto reason = enum_of(string_of(row, "reason"), health::HealthReason::health_check_disabled);
        if (!state)
            continue;
        const auto failures = row.value("failures", json());
        targets.health[name] = {*state,
                                reason.value_or(health::HealthReason::none),
                                failures.is_number_unsigned() ? failures.get<unsigned>() : 0,
                                row.value("inBand", json()) == true,
                                string_of(row, "description"),
                                string_of(row, "address")};
    }
}

void read_drains(const json &drains, health::PersistedTargets &targets) {
    const auto removed = object_of(drains, "removed"), ordered = object_of(drains, "ordered");
    for (const auto &[name, row] : removed.items())
        if (row.is_object())
            targets.removed[name] = {state::time_from_json(row.value("until", json())),
                                     config::from_string<config::FailurePolicy>(string_of(row, "policy"))
                                         .value_or(config::FailurePolicy::rehash)};
    for (const auto &[name, row] : ordered.items())
        if (row.is_object())
            targets.operator_drains[name] = state::time_from_json(row.value("until", json()));
}

} // namespace

json health_to_json(const health::PersistedTargets &targets) {
    auto rows = json::object();
    for (const auto &[name, row] : targets.health) {
        auto &target = rows[name] = {{"state", to_string(row.state)},
                                     {"reason", to_string(row.reason)},
                                     {"failures", row.failures},
                                     {"inBand", row.in_band_works}};
        if (!row.description.empty())
            target["description"] = row.description;
        if (!row.address.empty())
            target["address"] = row.address;
    }
    return rows;
}

json drains_to_json(const health::PersistedTargets &targets) {
    if (targets.removed.empty() && targets.operator_drains.empty())
        return nullptr;
    auto removed = json::object(), ordered = json::object();
    for (const auto &[name, row] : targets.removed)
        removed[name] = {{"until", state::to_json_time(row.until)}, {"policy", to_string(row.policy)}};
    for (const auto &[name, until] : targets.operator_drains)
        ordered[name] = {{"until", state::to_json_time(until)}};
    return {{"removed", removed}, {"ordered", ordered}};
}

health::PersistedTargets persisted_targets(const json &health, const json &drains) {
    health::PersistedTargets targets;
    read_health(health, targets);
    read_drains(drains, targets);
    return targets;
}

} // namespace glb::control
