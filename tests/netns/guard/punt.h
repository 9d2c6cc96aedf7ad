// Punt metadata as the data path writes it, or as a forger does.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <guard_punt.skel.h>
#include <linux/if_link.h>

#include "controller/util/fd.h"
#include "tests/harness/netns.h"

namespace glb::test {

enum class XdpMode : std::uint8_t { native, generic };

inline constexpr std::uint32_t magic = 0x5eed5eed; ///< of the data path

/// As `ip link` prints it.
inline std::string mac_text(const Namespace &ns, const std::string &dev) {
    const auto text = ns.must({"ip", "-o", "link", "show", dev});
    return text.substr(text.find("link/ether ") + 11, 17);
}

/// An XDP program on `dev` that punts every IP packet to the stack for `endpoint`. With `out` it writes the metadata
/// only, and redirects the frame to that interface. Detached by the destructor.
class PuntForger {
  public:
    PuntForger(const Namespace &ns, const std::string &dev, std::uint32_t written_magic, unsigned out = 0,
               std::uint32_t endpoint = 0, XdpMode mode = XdpMode::native) {
        const auto ifindex = ns.ifindex(dev);
        skeleton_ = guard_punt__open();
        skeleton_->rodata->guard_punt_magic = written_magic;
        skeleton_->rodata->guard_punt_out = out;
        skeleton_->rodata->guard_punt_endpoint = endpoint;
        ns.call([&] {
            if (guard_punt__load(skeleton_) != 0)
                return;
            LIBBPF_OPTS(bpf_link_create_opts, options);
            options.flags = mode == XdpMode::generic ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE;
            link_ = glb::Fd(bpf_link_create(bpf_program__fd(skeleton_->progs.guard_punt_mark),
                                            static_cast<int>(ifindex), BPF_XDP, &options));
        });
        if (!link_)
            throw std::runtime_error("cannot attach the punt metadata program");
    }
    ~PuntForger() { guard_punt__destroy(skeleton_); }
    PuntForger(const PuntForger &) = delete;
    PuntForger &operator=(const PuntForger &) = delete;

  private:
    guard_punt *skeleton_ = nullptr;
    glb::Fd link_;
};

} // namespace glb::test
