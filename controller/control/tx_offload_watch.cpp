#include "controller/control/tx_offload_watch.h"

#include <algorithm>

namespace glb::control {

void TxOffloadWatch::record(const TxOffloadPlace &place, MonotonicTime now) {
    std::erase_if(rows_, [&](const auto &row) { return now - row.second.reports.back() >= memory; });
    auto &row = rows_[place];
    std::ranges::rotate(row.reports, row.reports.begin() + 1);
    row.reports.back() = now;
    ++row.count;
    row.is_found = row.is_found || (row.count >= reports_needed && now - row.reports.front() <= window);
}

std::vector<TxOffloadPlace> TxOffloadWatch::found(MonotonicTime now) const {
    std::vector<TxOffloadPlace> places;
    for (const auto &[place, row] : rows_)
        if (row.is_found && now - row.reports.back() < memory)
            places.push_back(place);
    return places;
}

} // namespace glb::control
