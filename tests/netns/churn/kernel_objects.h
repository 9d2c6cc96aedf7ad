// Resources: what a process holds that a configuration change could leak.
#pragma once

#include <cstddef>
#include <string>

#include <sys/types.h>

namespace glb::test {

struct Resources {
    std::size_t descriptors = 0;
    std::size_t bpf_maps = 0;   ///< descriptors of BPF maps
    std::size_t bpf_others = 0; ///< descriptors of BPF programs and links
    std::size_t threads = 0;
    std::size_t resident_kib = 0;
};

[[nodiscard]] Resources resources_of(pid_t pid);
[[nodiscard]] std::string to_string(const Resources &resources);

} // namespace glb::test
