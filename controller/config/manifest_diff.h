// Differences between two manifests.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "controller/config/manifest.h"

namespace glb::config {

enum class ChangeAction : std::uint8_t { add, change, remove };
enum class ChangeKind : std::uint8_t { node, endpoint, target_group, target };

/// `add`, `targetGroup`, …, as in the API.
[[nodiscard]] std::string_view to_string(ChangeAction action);
[[nodiscard]] std::string_view to_string(ChangeKind kind);

struct ManifestChange {
    ChangeAction action = ChangeAction::change;
    ChangeKind kind = ChangeKind::node;
    std::string name; ///< `branch`, `firewalls`, `firewalls/fw-1`; for the node its name or `node`
    nlohmann::ordered_json before; ///< as exported by exporter.h; null: did not exist
    nlohmann::ordered_json after;  ///< the same; null: removed

    bool operator==(const ManifestChange &) const = default;
};

/// Objects are matched by name, so a renamed one is removed and added. List order is ignored. The flow log is
/// reported as member `flowLog` of the node. Changes are in the order of `after`, each group followed by its
/// targets; removed objects come last in every list. Without `before`, everything is added.
[[nodiscard]] std::vector<ManifestChange> diff_manifests(const Manifest *before, const Manifest &after);

/// `{"action", "kind", "name", "before", "after"}`, and a list of them.
[[nodiscard]] nlohmann::ordered_json to_json(const ManifestChange &change);
[[nodiscard]] nlohmann::ordered_json to_json(const std::vector<ManifestChange> &changes);

} // namespace glb::config
