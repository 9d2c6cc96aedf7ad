// What changes from one manifest to another, for people and scripts.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "controller/config/manifest.h"

namespace glb {

enum class ChangeAction : std::uint8_t { add, change, remove };
enum class ChangeKind : std::uint8_t { node, endpoint, target_group, target };

struct ManifestChange {
    ChangeAction action = ChangeAction::change;
    ChangeKind kind = ChangeKind::node;
    std::string name; ///< `branch`, `firewalls`, `firewalls/fw-1`; of the node its name, or `node`
    nlohmann::ordered_json before; ///< the whole thing as export.h writes it; null: was not there
    nlohmann::ordered_json after;  ///< the same; null: is not there any more

    bool operator==(const ManifestChange &) const = default;
};

/// Things are the same where their names are: what was renamed is removed and added. The order of things in
/// their lists is no change. The flow log stands with the node, as its member `flowLog`.
/// In the order of `after`, each group followed by its targets; of every list the removed come last.
[[nodiscard]] std::vector<ManifestChange> diff_manifests(const std::optional<Manifest> &before,
                                                         const Manifest &after);

/// `{"action", "kind", "name", "before", "after"}`, and a list of them.
[[nodiscard]] nlohmann::ordered_json to_json(const ManifestChange &change);
[[nodiscard]] nlohmann::ordered_json to_json(const std::vector<ManifestChange> &changes);

} // namespace glb
