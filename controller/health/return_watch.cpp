#include "controller/health/return_watch.h"

#include <utility>

#include <fmt/format.h>

#include "controller/health/target_registry.h"

namespace glb::health {
namespace {

long long seconds(std::chrono::steady_clock::duration time) {
    return std::chrono::duration_cast<std::chrono::seconds>(time).count();
}

/// It takes part in its group: in use, and not removed.
bool is_member(const TargetEntry &entry) {
    return !entry.drain_until && entry.health.state() != TargetState::unused;
}

} // namespace

std::vector<std::string> ReturnWatch::update(const TargetRegistry &registry, const Count &count,
                                             MonotonicTime now) {
    std::vector<std::string> lines;
    auto before = std::exchange(rows_, {});
    for (const auto &[name, entry] : registry.entries()) {
        const auto counted = is_member(entry) ? count(entry.target.index) : std::nullopt;
        if (!counted)
            continue;
        auto known = before.extract(entry.target.index);
        const bool is_new = known.empty() || counted->outbound.packets < known.mapped().out;
        if (is_new) {
            auto &row = rows_[entry.target.index];
            row.out = row.out_base = counted->outbound.packets;
            row.back = counted->returned.packets;
            row.last_out = now - idle_time;
            continue;
        }
        auto &row = rows_.insert(std::move(known)).position->second;
        const bool was_silent = row.is_silent;
        observe(row, *counted, now);
        if (row.is_silent && !was_silent)
            lines.push_back(fmt::format("target {}: nothing returns: {} packets sent in {} s", name,
                                        row.out - row.out_base, seconds(now - *row.unanswered_since)));
        else if (was_silent && !row.is_silent)
            lines.push_back(fmt::format("target {}: {}", name,
                                        row.unanswered_since ? "no more packets are sent to it"
                                                             : "packets return again"));
        if (!row.is_silent && now - row.last_out >= idle_time)
            row.unanswered_since.reset();
    }
    update_groups(registry, now, lines);
    return lines;
}

void ReturnWatch::observe(Row &row, const glb_target_count &count, MonotonicTime now) {
    const auto out = std::exchange(row.out, count.outbound.packets);
    const bool returned = std::exchange(row.back, count.returned.packets) != count.returned.packets;
    if (returned) {
        row.out_base = row.out;
        row.unanswered_since.reset();
    }
    if (row.out != out) {
        row.last_out = now;
        if (!returned && !row.unanswered_since) {
            row.out_base = out;
            row.unanswered_since = now;
        }
    }
    row.is_silent = row.unanswered_since && now - *row.unanswered_since >= least_time &&
                    row.out - row.out_base >= least_packets && now - row.last_out < idle_time;
}

void ReturnWatch::update_groups(const TargetRegistry &registry, MonotonicTime now,
                                std::vector<std::string> &lines) {
    struct Members {
        bool any_alive = false, any_silent = false, any_returns = false;
    };
    std::map<std::string, Members> members;
    for (const auto &[name, entry] : registry.entries()) {
        if (!is_member(entry))
            continue;
        auto &group = members[entry.group];
        group.any_alive |= is_alive(entry.health.state());
        const auto row = rows_.find(entry.target.index);
        if (row == rows_.end() || now - row->second.last_out >= idle_time)
            continue;
        group.any_silent |= row->second.is_silent;
        group.any_returns |= !row->second.unanswered_since;
    }
    auto before = std::exchange(groups_, {});
    for (const auto &[name, group] : members) {
        auto &row = groups_[name] = before[name];
        const auto set = [&](std::optional<MonotonicTime> &since, bool holds) {
            if (!holds)
                since.reset();
            else if (!since)
                since = now;
        };
        const bool was_silent = row.silent_since.has_value();
        set(row.no_healthy_since, !group.any_alive);
        set(row.silent_since, group.any_silent && !group.any_returns);
        if (row.silent_since && !was_silent)
            lines.push_back(fmt::format("group {}: nothing returns from any target with traffic", name));
        else if (was_silent && !row.silent_since)
            lines.push_back(fmt::format("group {}: packets return from a target, or none are sent", name));
    }
}

std::optional<Silence> ReturnWatch::silence(std::uint16_t target) const {
    const auto found = rows_.find(target);
    if (found == rows_.end() || !found->second.is_silent)
        return std::nullopt;
    return Silence{*found->second.unanswered_since, found->second.out - found->second.out_base};
}

} // namespace glb::health
