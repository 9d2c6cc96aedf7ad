// The door's metadata as the data path writes it, or as somebody forges it.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

#include <bpf/libbpf.h>
#include <guard_punt.skel.h>

#include "tests/harness/netns.h"

namespace glb::test {

inline constexpr std::uint32_t magic = 0x5eed5eed; ///< the data path's

/// An XDP program on `dev` that puts metadata with `its_magic` and endpoint 0 in front of every frame, and
/// hands it to interface `out`, or to the stack (0). It goes with this object.
class Door {
  public:
    Door(const Namespace &ns, const std::string &dev, std::uint32_t its_magic, unsigned out = 0) {
        const auto ifindex = ns.ifindex(dev);
        skeleton_ = guard_punt__open();
        skeleton_->rodata->guard_door_magic = its_magic;
        skeleton_->rodata->guard_door_out = out;
        ns.call([&] {
            if (guard_punt__load(skeleton_) == 0)
                link_ = bpf_program__attach_xdp(skeleton_->progs.guard_door_open, static_cast<int>(ifindex));
        });
        if (!link_)
            throw std::runtime_error("cannot attach the test's door");
    }
    ~Door() {
        bpf_link__destroy(link_);
        guard_punt__destroy(skeleton_);
    }
    Door(const Door &) = delete;
    Door &operator=(const Door &) = delete;

  private:
    guard_punt *skeleton_ = nullptr;
    bpf_link *link_ = nullptr;
};

} // namespace glb::test
