// glb_metadata: the settings of a loaded data path, stored in its maps for the next daemon.
#pragma once

#include <cstdint>
#include <vector>

#include "abi/config.h"
#include "controller/datapath/load_settings.h"

namespace glb::datapath {

/// The metadata of a data path loaded with `settings`; `schema` is the current one.
[[nodiscard]] glb_metadata make_metadata(const LoadSettings &settings, const std::vector<std::uint8_t> &seed);

/// The hash seed in `metadata`, at most GLB_SEED_BYTES.
void set_seed(glb_metadata &metadata, const std::vector<std::uint8_t> &seed);
[[nodiscard]] std::vector<std::uint8_t> seed_of(const glb_metadata &metadata);

/// Settings to load a data path of `capacity` entries that can take over the flows of another: its table key
/// and punt magic.
[[nodiscard]] LoadSettings load_settings_from(const glb_metadata &metadata, std::uint32_t capacity);

} // namespace glb::datapath
