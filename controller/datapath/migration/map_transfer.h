// Transfer of a set of maps to another set, without the flow table (abi/flow.h has what all schemas share).
#pragma once

#include "controller/datapath/handles.h"
#include "controller/datapath/pins.h"

namespace glb::datapath {

/// Before the new set is loaded: pins in `into` those maps of `from` that both sets use. With the same schema
/// these are all but the flow table and its metadata, else only the filter of untracked flows.
[[nodiscard]] Status share_maps(const Pins &from, const Pins &into);

/// After the load, before any program uses the new set, if the schemas differ: copies control row, groups,
/// targets, their states, names, Maglev tables and fingerprints. Both banks, so that the active bank stays
/// the active one. Does nothing if the maps are shared.
[[nodiscard]] Status transfer_config(const Pins &from, const DatapathHandles &into);

/// Copies the counters of reasons, endpoints and targets. Called last before the new program takes over:
/// packets in between are not counted.
[[nodiscard]] Status transfer_counters(const Pins &from, const DatapathHandles &into);

} // namespace glb::datapath
