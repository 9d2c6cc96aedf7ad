// One target as a document. Private to the library.
#pragma once

#include "controller/documents/targets.h"
#include "controller/observe/view_parts.h"

namespace glb::observe {

[[nodiscard]] documents::Target target_row(const View &view, const health::TargetSnapshot &target,
                                           const FlowStats &flows);

} // namespace glb::observe
