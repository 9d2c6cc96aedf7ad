// Holdings: what a process has of the things that a change could leak.
#pragma once

#include <cstddef>
#include <string>

#include <sys/types.h>

namespace glb::test {

struct Holdings {
    std::size_t descriptors = 0;
    std::size_t bpf_maps = 0;   ///< that the process holds by a descriptor
    std::size_t bpf_others = 0; ///< programs and links, the same
    std::size_t threads = 0;
    std::size_t resident_kib = 0;
};

[[nodiscard]] Holdings holdings_of(pid_t pid);
[[nodiscard]] std::string to_string(const Holdings &holdings);

} // namespace glb::test
