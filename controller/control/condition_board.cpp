#include "controller/control/condition_board.h"

#include <algorithm>

#include "controller/util/log.h"

namespace glb::control {

namespace {

auto find(const std::vector<HeldCondition> &rows, const Condition &condition) {
    return std::ranges::find_if(rows, [&](const HeldCondition &row) {
        return row.condition.what == condition.what && row.condition.where == condition.where;
    });
}

} // namespace

ConditionBoard::Changes ConditionBoard::update(const std::string &source,
                                               const std::vector<Condition> &conditions, MonotonicTime now) {
    auto &rows = sources_[source];
    std::vector<HeldCondition> fresh;
    Changes changes;
    for (const auto &condition : conditions) {
        if (find(fresh, condition) != fresh.end())
            continue;
        const auto before = find(rows, condition);
        if (before == rows.end())
            changes.begun.push_back(condition);
        fresh.push_back({condition, before == rows.end() ? now : before->since});
    }
    for (const auto &row : rows)
        if (find(fresh, row.condition) == fresh.end())
            changes.ended.push_back(row.condition);
    rows = std::move(fresh);
    return changes;
}

std::vector<HeldCondition> ConditionBoard::held() const {
    std::vector<HeldCondition> all;
    for (const auto &[source, rows] : sources_)
        all.insert(all.end(), rows.begin(), rows.end());
    std::ranges::stable_partition(
        all, [](const HeldCondition &row) { return row.condition.severity == Severity::error; });
    return all;
}

std::vector<Condition> ConditionBoard::of(const std::string &source) const {
    std::vector<Condition> conditions;
    if (const auto found = sources_.find(source); found != sources_.end())
        for (const auto &row : found->second)
            conditions.push_back(row.condition);
    return conditions;
}

void update_and_log(ConditionBoard &board, const std::string &source,
                    const std::vector<Condition> &conditions, MonotonicTime now) {
    const auto changes = board.update(source, conditions, now);
    for (const auto &condition : changes.begun)
        spdlog::log(condition.severity == Severity::error ? spdlog::level::err : spdlog::level::warn,
                    "{}: {}", source, to_string(condition));
    for (const auto &condition : changes.ended)
        spdlog::info("{}: no longer: {}", source, to_string(condition));
}

} // namespace glb::control
