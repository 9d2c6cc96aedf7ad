#include "controller/plan/maglev_generations.h"

#include <ctime>

namespace glb::plan {

namespace {

bool is_open(const MaglevGenerations::Row &row, std::uint32_t now) {
    return row.previous != GLB_NO_TABLE && static_cast<std::int32_t>(row.previous_until - now) > 0;
}

} // namespace

void MaglevGenerations::adopt(std::uint16_t group, const glb_group &row, std::uint64_t fingerprint,
                              std::uint32_t now) {
    if (row.table == GLB_NO_TABLE || fingerprint == 0)
        return;
    Row adopted{row.table, fingerprint, row.previous_table, row.previous_until};
    if (!is_open(adopted, now))
        adopted.previous = GLB_NO_TABLE;
    rows_[group] = adopted;
}

MaglevGenerations::Row MaglevGenerations::row(std::uint16_t group) const {
    const auto found = rows_.find(group);
    return found == rows_.end() ? Row{} : found->second;
}

bool MaglevGenerations::in_use(std::uint32_t index) const {
    for (const auto &[group, row] : rows_)
        if (row.table == index || row.previous == index)
            return true;
    return dropped_.contains(index);
}

Result<std::uint32_t> MaglevGenerations::begin(std::uint16_t group, std::uint64_t fingerprint,
                                               std::uint32_t now, std::uint32_t window) {
    std::uint32_t free = 0;
    while (free < GLB_MAX_TABLES && in_use(free))
        ++free;
    if (free == GLB_MAX_TABLES)
        return fail("all {} Maglev tables are in use", GLB_MAX_TABLES);
    auto &row = rows_[group];
    if (is_open(row, now)) {
        dropped_.insert(row.table);
    } else {
        if (row.previous != GLB_NO_TABLE)
            dropped_.insert(row.previous);
        row.previous = row.table;
        row.previous_until = now + window;
    }
    row.table = free;
    row.fingerprint = fingerprint;
    return free;
}

void MaglevGenerations::remove(std::uint16_t group) {
    rows_.erase(group);
}

bool MaglevGenerations::close_windows(std::uint32_t now) {
    bool closed = false;
    for (auto &[group, row] : rows_) {
        if (row.previous != GLB_NO_TABLE && !is_open(row, now)) {
            row.previous = GLB_NO_TABLE;
            closed = true;
        }
    }
    return closed;
}

std::uint32_t tick_now() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    const auto nanoseconds =
        static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u + static_cast<std::uint64_t>(now.tv_nsec);
    return static_cast<std::uint32_t>(nanoseconds >> GLB_TICK_SHIFT);
}

} // namespace glb::plan
