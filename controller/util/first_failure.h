// The first failure of steps that do not depend on each other.
#pragma once

#include <utility>

#include "controller/util/result.h"

namespace glb {

/// `first` becomes `done`, if that is a failure and `first` is none.
inline void record_failure(Status &first, Status done) {
    if (!done && first)
        first = std::move(done);
}

} // namespace glb
