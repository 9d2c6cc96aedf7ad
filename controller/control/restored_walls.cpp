#include "controller/control/restored_walls.h"

#include <algorithm>

#include <fmt/format.h>

namespace glb::control {

void RestoredWalls::add(const std::vector<std::string> &parts, std::chrono::milliseconds open,
                        MonotonicTime now) {
    for (const auto &part : parts) {
        auto &loss = losses_[part];
        loss.restored = now;
        loss.open = std::max(loss.open, open);
        ++loss.times;
    }
}

std::vector<Condition> RestoredWalls::conditions(MonotonicTime now) {
    std::erase_if(losses_, [&](const auto &row) { return now - row.second.restored >= shown_for; });
    std::vector<Condition> conditions;
    for (const auto &[part, loss] : losses_)
        conditions.push_back(
            {Severity::warning, "guard-restored", part,
             fmt::format("was missing {} for at most {} ms, and is restored",
                         loss.times == 1 ? "once" : fmt::format("{} times", loss.times), loss.open.count()),
             "find the program that removes it; the log of glbd has the times"});
    return conditions;
}

} // namespace glb::control
