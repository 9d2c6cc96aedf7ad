// Generators of the pages of docs/reference.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

namespace glb::reference {

/// All members of the manifest, by object, from its JSON Schema (draft 7). Two extension keywords are used:
/// `x-values` describes the values that a pattern allows, `x-not-yet` lists values that are not yet
/// supported.
[[nodiscard]] std::string manifest_page(const nlohmann::ordered_json &schema);

/// Drop reasons and counters of bpf/abi/reasons.h.
[[nodiscard]] std::string drops_page();
[[nodiscard]] std::string counters_page();

/// Metric families of /metrics, from a snapshot with one object of each kind.
[[nodiscard]] std::string metrics_page();

} // namespace glb::reference
