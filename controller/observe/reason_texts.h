// Names, meanings and remedies of the data path's drop reasons and counters.
#pragma once

#include "abi/reasons.h"

namespace glb::observe {

struct ReasonText {
    const char *name;
    const char *meaning;
    const char *fix = ""; ///< of drops
};

#define GLB_REASON_TEXT(name, text, ...) ReasonText{text, __VA_ARGS__},
inline constexpr ReasonText drop_texts[] = {GLB_DROP_REASONS(GLB_REASON_TEXT)}; ///< by glb_drop
inline constexpr ReasonText counter_texts[] = {GLB_COUNTERS(GLB_REASON_TEXT)};  ///< by glb_counter
#undef GLB_REASON_TEXT

} // namespace glb::observe
