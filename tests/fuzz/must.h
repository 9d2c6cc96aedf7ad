// What a fuzz target asserts, in any build type.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace glb::fuzz {

inline void must(bool holds, const char *what) {
    if (holds)
        return;
    std::fprintf(stderr, "does not hold: %s\n", what);
    std::abort();
}

} // namespace glb::fuzz
