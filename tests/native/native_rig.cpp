#include "tests/native/native_rig.h"

#include <algorithm>
#include <stdexcept>

#include <linux/bpf.h>

#include "tests/native/sample.h"

namespace glb::test {

namespace {

template <typename T>
void write(Kernel &kernel, std::string_view name, const std::vector<T> &rows) {
    std::ranges::copy(rows, kernel.rows<T>(name).begin()); // bank 0
}

} // namespace

NativeRig::NativeRig() : kernel(Kernel::get()) {
    kernel.clear();
    const auto image = plan::build_bank(sample_bank());
    if (!image)
        throw std::runtime_error(image.error().message);
    kernel.rows<glb_node>("glb_node")[0] = image->node;
    write(kernel, "glb_logical_ports", image->ports);
    write(kernel, "glb_endpoints", image->endpoints);
    write(kernel, "glb_endpoint_ids", image->endpoint_ids);
    write(kernel, "glb_groups", image->groups);
    write(kernel, "glb_targets", image->targets);
    write(kernel, "glb_senders", image->senders);
    for (auto &word : kernel.rows<__u64>("glb_target_state").subspan(0, 2))
        word = sample_target_state;
    kernel.put_maglev(sample_table, sample_slots());
    kernel.put("glb_devmap", __u32{1}, __u32{1});
    const auto port = [&](unsigned flag) {
        return &*std::ranges::find_if(kernel.rows<glb_logical_port>("glb_logical_ports"),
                                      [=](const glb_logical_port &row) { return (row.flags & flag) != 0; });
    };
    tunnel_ = port(GLB_PORT_TUNNEL);
    endpoint_ = port(GLB_PORT_ENDPOINT);
    const auto settings = sample_settings();
    native_set_settings(&settings);
    native_forget_events();
    kernel.remember();
}

NativeOutcome NativeRig::send(const Bytes &bytes, const Driver &driver, const Bytes &metadata) {
    NativeFrame frame(bytes, driver, metadata);
    kernel.redirected.reset();
    const int code = glb_xdp(&frame);
    return {code, frame.bytes(), frame.metadata(), kernel.redirected};
}

native_parsed NativeRig::parse(const Bytes &bytes, unsigned port, const Driver &driver) {
    NativeFrame frame(bytes, driver);
    native_parsed parsed;
    native_parse(&frame, &kernel.rows<glb_node>("glb_node")[0], port == GLB_PORT_TUNNEL ? tunnel_ : endpoint_,
                 &parsed);
    if (frame.bytes() != bytes)
        throw std::runtime_error("parsing wrote to the frame");
    return parsed;
}

std::uint64_t NativeRig::drops(glb_drop reason) const {
    return kernel.rows<glb_count>("glb_drops")[reason].packets;
}

std::uint64_t NativeRig::count(glb_counter counter) const {
    return kernel.rows<glb_count>("glb_counters")[counter].packets;
}

void NativeRig::route_by(unsigned tags) {
    glb_egress egress{};
    egress.ifindex = 1;
    egress.mtu = 1500;
    egress.vlan_count = static_cast<__u16>(tags);
    for (unsigned i = 0; i < tags; ++i) {
        egress.vlan_proto[i] = __builtin_bswap16(0x8100);
        egress.vlan_tci[i] = __builtin_bswap16(static_cast<__u16>(100 + i));
    }
    kernel.put("glb_egress", routed_ifindex, egress);
    kernel.fib = [](bpf_fib_lookup &fib) {
        fib.ifindex = routed_ifindex;
        std::ranges::fill(fib.dmac, __u8{0xda});
        std::ranges::fill(fib.smac, __u8{0x5a});
        return long{BPF_FIB_LKUP_RET_SUCCESS};
    };
}

} // namespace glb::test
