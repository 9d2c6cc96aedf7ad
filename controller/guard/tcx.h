// tcx: the list of BPF programs at ingress of an interface that runs before all tc filters (Linux 6.6).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace glb::guard {

struct TcxProgram {
    std::uint32_t id = 0;
    std::string name; ///< empty: the daemon may not read it
};

/// In the order of execution. Empty if the kernel has no tcx.
[[nodiscard]] std::vector<TcxProgram> list_tcx(unsigned ifindex);

} // namespace glb::guard
