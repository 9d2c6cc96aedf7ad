// Assertions of fuzz targets, in any build type.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace glb::fuzz {

inline void must(bool condition, const char *what) {
    if (condition)
        return;
    std::fprintf(stderr, "violated: %s\n", what);
    std::abort();
}

} // namespace glb::fuzz
