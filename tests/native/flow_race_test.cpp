// What another CPU does to an entry between the moments at which a packet reads and updates it.
#include <catch2/catch.hpp>

#include <algorithm>

#include <linux/bpf.h>

#include "tests/native/two_legs.h"

using namespace glb::test;

namespace {

const Packet midstream_segment = IPv4{} / Tcp{.sport = 40000, .dport = 80, .flags = tcp::ack};

glb_flow_hot &only_entry(NativeRig &rig) {
    const auto lines = rig.kernel.rows<glb_flow_hot>("glb_flows_hot");
    return *std::ranges::find_if(
        lines, [](const glb_flow_hot &line) { return glb_meta_code(line.meta) != GLB_FLOW_FREE; });
}

/// Removes the entry at the packet's nth access to the table, as the CPU does that finds a duplicate.
void free_at(NativeRig &rig, glb_flow_hot &entry, int access) {
    rig.kernel.on_look_up = [&entry, access, count = 0](std::string_view map) mutable {
        if (map == "glb_flows_hot" && ++count == access)
            entry.meta = glb_meta_make(GLB_FLOW_FREE, 0, glb_meta_generation(entry.meta), 0, 0);
    };
}

} // namespace

TEST_CASE("flow race: an entry that is freed while a packet updates it stays free", "[flow_race]") {
    const int access = GENERATE(1, 2, 3);
    const bool is_return = GENERATE(true, false);
    CAPTURE(access, is_return);
    TwoLegs rig;
    const auto sent = rig.out(midstream_segment);
    REQUIRE(rig.flows().size() == 1);
    auto &entry = only_entry(rig);
    rig.advance(std::chrono::seconds(1));
    free_at(rig, entry, access);
    (void)(is_return ? rig.back(sent.frame) : rig.out(midstream_segment));
    rig.kernel.on_look_up = nullptr;
    // A packet that finds no entry on its way out makes one, here or at another place.
    const auto flows = rig.flows();
    CHECK(flows.size() == (is_return || access > 1 ? 0 : 1));
    if (flows.empty())
        CHECK(entry.meta == glb_meta_make(GLB_FLOW_FREE, 0, glb_meta_generation(entry.meta), 0, 0));
}

TEST_CASE("flow race: a packet of an entry seen a tick ahead is a plain hit", "[flow_race]") {
    TwoLegs rig;
    REQUIRE(rig.out(midstream_segment).code == XDP_REDIRECT);
    int accesses = 0;
    rig.kernel.on_look_up = [&](std::string_view map) { accesses += map == "glb_flows_hot"; };
    REQUIRE(rig.out(midstream_segment).code == XDP_REDIRECT);
    const int of_plain_hit = accesses;
    rig.kernel.now_ns -= std::uint64_t{1} << GLB_TICK_SHIFT;
    accesses = 0;
    REQUIRE(rig.out(midstream_segment).code == XDP_REDIRECT);
    CHECK(accesses == of_plain_hit);
    rig.kernel.on_look_up = nullptr;
}
