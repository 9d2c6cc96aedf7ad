// WarningLog: which of the warnings that hold now are to be logged. Pure.
#pragma once

#include <set>
#include <string>
#include <vector>

namespace glb::control {

class WarningLog {
  public:
    /// `warnings` hold now. Returns those that did not hold at the last call, in their order: a warning that
    /// went away and came back is logged again.
    [[nodiscard]] std::vector<std::string> update(const std::vector<std::string> &warnings) {
        std::vector<std::string> fresh;
        std::set<std::string> now;
        for (const auto &warning : warnings)
            if (now.insert(warning).second && !before_.contains(warning))
                fresh.push_back(warning);
        before_ = std::move(now);
        return fresh;
    }

  private:
    std::set<std::string> before_;
};

} // namespace glb::control
