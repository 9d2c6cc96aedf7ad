// From a manifest's values back to its document.
#pragma once

#include <nlohmann/json.hpp>

#include "controller/config/manifest.h"

namespace glb {

/// The whole document, in the order of docs/reference/manifest.md, with every default written out; left out
/// is only what has no value (a name that is the host's, a seed that is generated, no IPv6 address, no flow
/// log) or is not asked for and would be refused (mssClamp). 64-bit values are texts `0x…`, and endpoint ids
/// what the manifest has: tools that read numbers as doubles keep them.
/// `parse_manifest(export_manifest(m).dump())` is `m` again for every sound `m`.
[[nodiscard]] nlohmann::ordered_json export_manifest(const Manifest &manifest);

/// The parts, as they stand in the document. A target group's has no `targets`.
[[nodiscard]] nlohmann::ordered_json export_node(const Node &node);
[[nodiscard]] nlohmann::ordered_json export_endpoint(const Endpoint &endpoint);
[[nodiscard]] nlohmann::ordered_json export_target_group(const TargetGroup &group);
[[nodiscard]] nlohmann::ordered_json export_target(const Target &target);
[[nodiscard]] nlohmann::ordered_json export_flow_log(const FlowLog &log);

} // namespace glb
