#include "tests/netns/testbed/tagger.h"

#include <arpa/inet.h>
#include <stdexcept>

#include <bpf/libbpf.h>

#include <testbed_tagger.skel.h>

namespace glb::test {

namespace {

constexpr std::uint32_t last_priority = 1000;

bool attach(const Namespace &ns, const std::string &dev, bpf_tc_attach_point point,
            const bpf_program *program) {
    const auto index = static_cast<int>(ns.ifindex(dev));
    return ns.call([&] {
        LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = index, .attach_point = point);
        LIBBPF_OPTS(bpf_tc_opts, opts, .prog_fd = bpf_program__fd(program), .priority = last_priority);
        const auto printer = libbpf_set_print(nullptr); // the guard may have created the hook already
        const int made = bpf_tc_hook_create(&hook);
        libbpf_set_print(printer);
        return (made == 0 || made == -EEXIST) && bpf_tc_attach(&hook, &opts) == 0;
    });
}

} // namespace

Tagger::Tagger(const Namespace &ns, const std::string &dev, std::uint16_t vlan,
               const std::map<std::string, std::uint16_t> &others)
    : skeleton_(testbed_tagger::open()) {
    if (skeleton_ == nullptr)
        throw std::runtime_error("cannot open the tagger skeleton");
    skeleton_->rodata->vlan = vlan;
    std::size_t row = 0;
    for (const auto &[source, other_vlan] : others) {
        in_addr address{};
        inet_pton(AF_INET, source.c_str(), &address);
        skeleton_->rodata->other_source[row] = address.s_addr;
        skeleton_->rodata->other_vlan[row++] = other_vlan;
    }
    if (testbed_tagger::load(skeleton_) != 0 ||
        !attach(ns, dev, BPF_TC_EGRESS, skeleton_->progs.harness_tag)) {
        testbed_tagger::destroy(skeleton_);
        throw std::runtime_error("cannot attach the tagger to " + dev);
    }
}

Tagger::~Tagger() {
    testbed_tagger::destroy(skeleton_);
}

void remove_tags(const Namespace &ns, const std::string &dev) {
    auto *skeleton = testbed_tagger::open_and_load();
    const bool attached =
        skeleton != nullptr && attach(ns, dev, BPF_TC_INGRESS, skeleton->progs.harness_untag);
    testbed_tagger::destroy(skeleton); // the filter keeps a reference to the program
    if (!attached)
        throw std::runtime_error("cannot remove tags on " + dev);
}

} // namespace glb::test
