// What a Program holds. Private to the library.
#pragma once

#include <array>
#include <future>
#include <memory>
#include <optional>

#include "controller/datapath/program.h" // before the skeleton, which uses the ABI's types

#include <bpf/libbpf.h>
#include <glb_xdp.skel.h>

namespace glb::datapath {

struct SkeletonDelete {
    void operator()(glb_xdp *skeleton) const { glb_xdp::destroy(skeleton); }
};

struct RingDelete {
    void operator()(ring_buffer *ring) const { ring_buffer__free(ring); }
};

struct Program::State {
    std::unique_ptr<glb_xdp, SkeletonDelete> skeleton;
    std::unique_ptr<ring_buffer, RingDelete> events; // made at first use
    TargetCounts target_counts;
    EndpointTargetSeen pairs;
    std::optional<Pins> pins;
    const std::function<void(const glb_event &)> *take = nullptr;
    std::array<std::optional<BankImage>, GLB_BANKS>
        held;               // what each bank has, as far as this process wrote it
    std::future<int> grace; // errno of the wait for packets of the bank before, while there may be some
};

} // namespace glb::datapath
