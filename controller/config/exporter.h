// Converts manifest values back to a JSON document.
#pragma once

#include <nlohmann/json.hpp>

#include "controller/config/manifest.h"

namespace glb::config {

/// The whole document, in the order of docs/reference/manifest.md, with all defaults written out. Omitted are
/// members without a value (default name, generated seed, no IPv6 address, no flow log) and an unset
/// mssClamp. 64-bit values are strings `0x…`, so that tools that read numbers as doubles preserve them;
/// endpoint ids are spelled as in the manifest. `parse_manifest(export_manifest(m).dump())` equals `m` for
/// every valid `m`.
[[nodiscard]] nlohmann::ordered_json export_manifest(const Manifest &manifest);

/// The parts of the document. A target group is exported without its `targets`.
[[nodiscard]] nlohmann::ordered_json export_node(const Node &node);
[[nodiscard]] nlohmann::ordered_json export_endpoint(const Endpoint &endpoint);
[[nodiscard]] nlohmann::ordered_json export_target_group(const TargetGroup &group);
[[nodiscard]] nlohmann::ordered_json export_target(const Target &target);
[[nodiscard]] nlohmann::ordered_json export_flow_log(const FlowLog &log);

} // namespace glb::config
