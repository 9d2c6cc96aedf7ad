// What a drill measured, told on stdout for scripts/drill.sh: one line "drill: {…}" for each fault.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

namespace glb::test {

struct DrillFigures {
    std::uint64_t sent = 0; ///< packets, or connections tried: `unit` says which
    std::uint64_t lost = 0;
    std::optional<double>
        milliseconds{}; ///< until served again, of the worst; none: nothing was ever unserved
    std::string unit = "packets";
    std::string fate = "lost"; ///< what `lost` counts: "passed uninspected"
};

/// GLB_DRILL=full: as much as the promise says. Else the same in small, for every run of the tests.
inline bool drill_in_full() {
    const char *text = std::getenv("GLB_DRILL");
    return text && std::string(text) == "full";
}

inline void tell_drill(const std::string &name, const DrillFigures &figures) {
    nlohmann::ordered_json line{{"drill", name},
                                {"sent", figures.sent},
                                {"lost", figures.lost},
                                {"unit", figures.unit},
                                {"fate", figures.fate}};
    line["milliseconds"] = figures.milliseconds ? nlohmann::ordered_json(*figures.milliseconds) : nullptr;
    std::cout << "drill: " << line.dump() << std::endl;
}

} // namespace glb::test
