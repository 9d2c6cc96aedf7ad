// The pages of docs/reference, each made from what it describes.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

namespace glb::reference {

/// Every member of the manifest, by object, from its JSON Schema (draft 7). Of the schema's own keywords
/// `x-values` says in words what a pattern allows, and `x-not-yet` which values are not supported yet.
[[nodiscard]] std::string manifest_page(const nlohmann::ordered_json &schema);

/// The drop reasons, and the other counters, of bpf/abi/reasons.h.
[[nodiscard]] std::string drops_page();
[[nodiscard]] std::string counters_page();

/// The families that /metrics writes, from a snapshot with one of each thing.
[[nodiscard]] std::string metrics_page();

} // namespace glb::reference
