// Allocation: the indexes and Maglev tables that a configuration uses. Immutable once published: a change
// makes another one.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "controller/config/manifest.h"
#include "controller/plan/index_allocator.h"
#include "controller/plan/maglev_generations.h"
#include "controller/util/result.h"

namespace glb::plan {

struct Allocation {
    IndexAllocator indexes;
    MaglevGenerations generations;
    std::map<std::uint16_t, std::shared_ptr<const ComputedTable>> tables; ///< current, by group index
};

/// Claims an index for everything that `manifest` names, and retires those of groups and endpoints of
/// `previous` (may be null) that it no longer names.
[[nodiscard]] Status claim_indexes(IndexAllocator &indexes, const config::Manifest &manifest,
                                   const config::Manifest *previous);

/// A Maglev table to be written at `place` of glb_maglev.
struct MaglevWrite {
    std::uint32_t place = 0;
    std::shared_ptr<const ComputedTable> table;
};

/// Computes the tables of all groups, and begins a generation for each that has changed. `now` in ticks.
[[nodiscard]] Result<std::vector<MaglevWrite>>
plan_maglev(Allocation &allocation, const config::Manifest &manifest, std::uint32_t now);

} // namespace glb::plan
