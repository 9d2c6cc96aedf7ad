// What goes from one set of maps to another besides the flows themselves (abi/flow.h says what every schema
// keeps).
#pragma once

#include "controller/datapath/program.h"

namespace glb::datapath {

/// Before the new set is loaded: pins those maps of `from` in `into` that both use as they are. With the same
/// schema these are all but the flow table and what is said of it; else the filter of untracked flows alone.
[[nodiscard]] Status share_maps(const Pins &from, const Pins &into);

/// After the load, where the schemas differ: control, groups, targets, words, names, Maglev tables and their
/// prints. Both banks, so that the active one is the active one. Nothing where all of it is shared.
[[nodiscard]] Status carry_rows(const Pins &from, const Pins &into, Program &program);

/// Counters of reasons, endpoints and targets, as they are now. To be called last before the new program
/// takes over: what is counted between is lost.
[[nodiscard]] Status carry_counts(const Pins &from, const Pins &into, Program &program);

/// Row by row, as much of each as both have; the rest is 0. Neither map may be a map of maps.
[[nodiscard]] Status copy_rows(int from, int into, const char *what);

} // namespace glb::datapath
