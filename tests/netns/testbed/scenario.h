// Figures of a fault-injection scenario, recorded on stdout for scripts/drill.sh: one line "scenario: {…}"
// for each fault.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

namespace glb::test {

/// Every number is counted by the test that records it, never a literal.
struct ScenarioFigures {
    std::uint64_t sent = 0;               ///< how many were exposed to the fault; `unit` names them
    std::uint64_t lost = 0;               ///< how many of them had the outcome `outcome`
    std::optional<double> milliseconds{}; ///< until service was restored, worst case; none: no interruption
    std::string unit = "packets";
    std::string outcome = "lost"; ///< past participle or phrase: "passed uninspected"
};

/// GLB_DRILL=full: runs scenarios at the size that docs/reliability.md documents. Otherwise they run at a
/// reduced size with every test run.
inline bool full_scale() {
    const char *text = std::getenv("GLB_DRILL");
    return text && std::string(text) == "full";
}

inline void record_scenario(const std::string &name, const ScenarioFigures &figures) {
    nlohmann::ordered_json line{{"scenario", name},
                                {"sent", figures.sent},
                                {"lost", figures.lost},
                                {"unit", figures.unit},
                                {"outcome", figures.outcome}};
    line["milliseconds"] = figures.milliseconds ? nlohmann::ordered_json(*figures.milliseconds) : nullptr;
    std::cout << "scenario: " << line.dump() << std::endl;
}

} // namespace glb::test
