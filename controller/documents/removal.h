// Results of POST /v1/down and /v1/gc: what was removed from the kernel.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "controller/documents/document.h"

namespace glb::documents {

struct Down {
    bool down = false;
    bool guard_kept = false;               ///< whether a guard of this daemon remains
    std::optional<std::string> guard_left; ///< why another daemon's guard was left; empty: there is none

    static constexpr auto members() {
        return std::tuple{member("down", &Down::down), required("guardKept", &Down::guard_kept),
                          omitted_if_empty("guardLeft", &Down::guard_left)};
    }
    bool operator==(const Down &) const = default;
};

struct StalePin {
    std::string kind; ///< maps, link, guard
    std::string pin;  ///< path; of a guard its owner

    static constexpr auto members() {
        return std::tuple{member("kind", &StalePin::kind), member("pin", &StalePin::pin)};
    }
    bool operator==(const StalePin &) const = default;
};

struct GarbageCollection {
    bool removed = false; ///< false with dryRun
    std::vector<StalePin> leftovers;

    static constexpr auto members() {
        return std::tuple{member("removed", &GarbageCollection::removed),
                          required("leftovers", &GarbageCollection::leftovers)};
    }
    bool operator==(const GarbageCollection &) const = default;
};

} // namespace glb::documents
