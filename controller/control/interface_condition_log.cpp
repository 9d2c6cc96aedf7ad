#include "controller/control/interface_condition_log.h"

#include <utility>

#include <fmt/format.h>

namespace glb::control {

std::vector<std::string> InterfaceConditionLog::update(const std::string &name, unsigned index) {
    const auto [at, is_first] = indexes_.try_emplace(name, index);
    const auto before = std::exchange(at->second, index);
    std::vector<std::string> lines;
    if (is_first && index == 0)
        lines.push_back(fmt::format("interface {} does not exist yet", name));
    if (is_first || index == before)
        return lines;
    if (before != 0)
        lines.push_back(fmt::format("interface {} disappeared", name));
    if (index != 0)
        lines.push_back(fmt::format("interface {} reappeared", name));
    return lines;
}

void InterfaceConditionLog::retain_only(const std::set<std::string> &names) {
    std::erase_if(indexes_, [&](const auto &row) { return !names.contains(row.first); });
}

} // namespace glb::control
