// Loader: opens, sizes, pins and loads the XDP program and its maps.
#pragma once

#include <optional>

#include "controller/datapath/handles.h"
#include "controller/datapath/load_settings.h"
#include "controller/datapath/pins.h"
#include "controller/util/result.h"

namespace glb::datapath {

/// The flow table that the program also looks up on a miss (flow/migrate.h).
struct MigrationSource {
    int table = -1; ///< descriptor of its hot array
    glb_flow_shape shape{};
};

/// With `pins` the maps outlive the process: pinned ones are used as they are, the others are created and
/// pinned; `settings` must be those of the pinned maps (Pins::metadata()) if there are any. With `source`
/// the program takes flows over from another flow table of the same key. The error of a load ends with the
/// last lines of libbpf and the verifier.
[[nodiscard]] Result<DatapathHandlesPtr> load(const LoadSettings &settings,
                                              const std::optional<Pins> &pins = std::nullopt,
                                              const std::optional<MigrationSource> &source = std::nullopt);

} // namespace glb::datapath
