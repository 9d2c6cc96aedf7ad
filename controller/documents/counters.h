// GET /v1/drops and /v1/counters: every drop reason, and every other counter of the data path.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "controller/documents/document.h"

namespace glb::documents {

struct Counter {
    std::string reason; ///< its name
    std::uint64_t packets = 0;
    std::uint64_t bytes = 0;
    std::string meaning;
    std::optional<std::string> fix; ///< what ends these drops; none: nothing can be mended at the node

    static constexpr auto members() {
        return std::tuple{member("reason", &Counter::reason), member("packets", &Counter::packets),
                          member("bytes", &Counter::bytes), member("meaning", &Counter::meaning),
                          omitted_if_empty("fix", &Counter::fix)};
    }
    bool operator==(const Counter &) const = default;
};

struct DropList {
    std::vector<Counter> drops;

    static constexpr auto members() { return std::tuple{required("drops", &DropList::drops)}; }
    bool operator==(const DropList &) const = default;
};

struct CounterList {
    std::vector<Counter> counters;

    static constexpr auto members() { return std::tuple{required("counters", &CounterList::counters)}; }
    bool operator==(const CounterList &) const = default;
};

} // namespace glb::documents
