// Punt metadata as the data path writes it, or as a forger does.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

#include <bpf/libbpf.h>
#include <guard_punt.skel.h>

#include "tests/harness/netns.h"

namespace glb::test {

inline constexpr std::uint32_t magic = 0x5eed5eed; ///< of the data path

/// An XDP program on `dev` that writes metadata with `written_magic` and endpoint 0 in front of every frame,
/// and redirects it to interface `out`, or passes it to the stack (0). Detached by the destructor.
class PuntForger {
  public:
    PuntForger(const Namespace &ns, const std::string &dev, std::uint32_t written_magic, unsigned out = 0) {
        const auto ifindex = ns.ifindex(dev);
        skeleton_ = guard_punt__open();
        skeleton_->rodata->guard_punt_magic = written_magic;
        skeleton_->rodata->guard_punt_out = out;
        ns.call([&] {
            if (guard_punt__load(skeleton_) == 0)
                link_ = bpf_program__attach_xdp(skeleton_->progs.guard_punt_mark, static_cast<int>(ifindex));
        });
        if (!link_)
            throw std::runtime_error("cannot attach the punt metadata program");
    }
    ~PuntForger() {
        bpf_link__destroy(link_);
        guard_punt__destroy(skeleton_);
    }
    PuntForger(const PuntForger &) = delete;
    PuntForger &operator=(const PuntForger &) = delete;

  private:
    guard_punt *skeleton_ = nullptr;
    bpf_link *link_ = nullptr;
};

} // namespace glb::test
