// POST /v1/manifest and /v1/rollback: what an apply changed, or with dryRun would change.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "controller/documents/document.h"

namespace glb::documents {

struct Change {
    std::string action; ///< add, change, remove
    std::string kind;   ///< node, endpoint, targetGroup, target
    std::string name;   ///< branch, firewalls, firewalls/fw-1; of the node its name, or node
    json before;        ///< as in an exported manifest; null: it did not exist
    json after;         ///< the same; null: it exists no longer

    static constexpr auto members() {
        return std::tuple{member("action", &Change::action), member("kind", &Change::kind),
                          member("name", &Change::name), member("before", &Change::before),
                          member("after", &Change::after)};
    }
    bool operator==(const Change &) const = default;
};

struct Apply {
    std::vector<Change> changes;
    bool applied = false;    ///< false with dryRun
    std::uint64_t epoch = 0; ///< active after the call
    std::vector<std::string> warnings;
    std::vector<std::string> drained_by_operator;        ///< targets that stay drained: GROUP/TARGET
    std::optional<std::uint64_t> confirm_within_seconds; ///< then it is reverted unless confirmed

    static constexpr auto members() {
        return std::tuple{required("changes", &Apply::changes),
                          member("applied", &Apply::applied),
                          member("epoch", &Apply::epoch),
                          member("warnings", &Apply::warnings),
                          member("drainedByOperator", &Apply::drained_by_operator),
                          omitted_if_empty("confirmWithinSeconds", &Apply::confirm_within_seconds)};
    }
    bool operator==(const Apply &) const = default;
};

} // namespace glb::documents
