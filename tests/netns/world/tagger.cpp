#include "tests/netns/world/tagger.h"

#include <arpa/inet.h>
#include <stdexcept>

#include <bpf/libbpf.h>

#include <world_tagger.skel.h>

namespace glb::test {

Tagger::Tagger(const Namespace &ns, const std::string &dev, std::uint16_t vlan, const std::string &untagged)
    : skeleton_(world_tagger::open()) {
    if (skeleton_ == nullptr)
        throw std::runtime_error("the tagger does not open");
    skeleton_->rodata->vlan = vlan;
    if (!untagged.empty()) {
        in_addr address{};
        inet_pton(AF_INET, untagged.c_str(), &address);
        skeleton_->rodata->untagged_source = address.s_addr;
    }
    const auto index = static_cast<int>(ns.ifindex(dev));
    const bool attached = world_tagger::load(skeleton_) == 0 && ns.call([&] {
        LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = index, .attach_point = BPF_TC_EGRESS);
        LIBBPF_OPTS(bpf_tc_opts, opts, .prog_fd = bpf_program__fd(skeleton_->progs.harness_tag));
        return bpf_tc_hook_create(&hook) == 0 && bpf_tc_attach(&hook, &opts) == 0;
    });
    if (!attached) {
        world_tagger::destroy(skeleton_);
        throw std::runtime_error("the tagger does not attach to " + dev);
    }
}

Tagger::~Tagger() {
    world_tagger::destroy(skeleton_);
}

} // namespace glb::test
