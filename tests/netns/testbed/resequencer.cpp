#include "tests/netns/testbed/resequencer.h"

#include <cerrno>
#include <memory>
#include <stdexcept>
#include <string_view>

#include <bpf/libbpf.h>
#include <net/if.h>

#include <testbed_resequencer.skel.h>

namespace glb::test {

namespace {

bool attach_at_egress(const bpf_program *program, unsigned ifindex) {
    LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = static_cast<int>(ifindex), .attach_point = BPF_TC_EGRESS);
    LIBBPF_OPTS(bpf_tc_opts, opts, .prog_fd = bpf_program__fd(program));
    const auto printer = libbpf_set_print(nullptr); // the device may have the hook already
    const int made = bpf_tc_hook_create(&hook);
    libbpf_set_print(printer);
    return (made == 0 || made == -EEXIST) && bpf_tc_attach(&hook, &opts) == 0;
}

/// The number of TUN devices of endpoints to which the program is attached.
int attach_to_endpoints(const bpf_program *program) {
    const std::unique_ptr<struct if_nameindex, void (*)(struct if_nameindex *)> devices(::if_nameindex(),
                                                                                        ::if_freenameindex);
    int attached = 0;
    for (const auto *device = devices.get(); device && device->if_index != 0; ++device)
        if (std::string_view(device->if_name).starts_with("gwi-"))
            attached += attach_at_egress(program, device->if_index);
    return attached;
}

} // namespace

void shift_sequence_numbers(const Appliance &appliance, std::uint16_t server_port, std::uint32_t shift) {
    const std::unique_ptr<testbed_resequencer, void (*)(testbed_resequencer *)> skeleton(
        testbed_resequencer::open(), testbed_resequencer::destroy);
    if (!skeleton)
        throw std::runtime_error("cannot open the resequencer skeleton");
    skeleton->rodata->server_port = server_port;
    skeleton->rodata->shift = shift;
    if (testbed_resequencer::load(skeleton.get()) != 0)
        throw std::runtime_error("cannot load the resequencer");
    const auto *program = skeleton->progs.harness_resequence; // the filters keep references to it
    if (appliance.ns().call([&] { return attach_to_endpoints(program); }) == 0)
        throw std::runtime_error("appliance " + appliance.id() + " has no TUN device");
}

} // namespace glb::test
