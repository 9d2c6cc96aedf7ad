// Stamps: for two minutes, packets of a flow without an entry are accepted on return.
#include <catch2/catch.hpp>

#include <linux/bpf.h>

#include "tests/native/full_table.h"

using namespace glb::test;

namespace {

constexpr std::uint32_t seconds = GLB_TICKS_PER_SECOND;
const Packet udp_request = IPv4{} / Udp{} / Payload{"a request"};
const Packet fragment = IPv4{.fragment_offset = 100, .ip_proto = 17} / Payload{Bytes(64)};

/// The frame that the target returns for the one it received: outer addresses swapped, inner packet
/// unchanged.
Bytes return_frame(Bytes frame) {
    std::swap_ranges(frame.begin(), frame.begin() + 6, frame.begin() + 6);
    std::swap_ranges(frame.begin() + 30, frame.begin() + 34, frame.begin() + 34);
    return frame;
}

void set_now(NativeRig &rig, std::uint32_t ticks) {
    rig.kernel.now_ns = std::uint64_t{ticks} << GLB_TICK_SHIFT;
}

} // namespace

TEST_CASE("stamps: an untracked packet is accepted on return for two minutes", "[stamps]") {
    NativeRig rig;
    set_now(rig, table_now);
    const auto out = rig.send(from_client(fragment));
    REQUIRE(out.code == XDP_REDIRECT);
    REQUIRE(rig.count(GLB_COUNT_FRAGMENT_EARLY) == 1);
    set_now(rig, table_now + 119 * seconds);
    CHECK(rig.send(return_frame(out.frame)).code == XDP_PASS);
    CHECK(rig.count(GLB_COUNT_RETURN_UNTRACKED) == 1);
    set_now(rig, table_now + 120 * seconds);
    CHECK(rig.send(return_frame(out.frame)).code == XDP_DROP);
    CHECK(rig.drops(GLB_DROP_UNKNOWN_FLOW) == 1);
}

TEST_CASE("stamps: one written a tick ahead of this CPU's clock is fresh", "[stamps]") {
    NativeRig rig;
    set_now(rig, table_now);
    const auto out = rig.send(from_client(fragment));
    REQUIRE(out.code == XDP_REDIRECT);
    set_now(rig, table_now - 1);
    CHECK(rig.send(return_frame(out.frame)).code == XDP_PASS);
}

TEST_CASE("stamps: a packet that was never sent is dropped within two minutes of boot, too", "[stamps]") {
    NativeRig rig;
    set_now(rig, 30 * seconds);
    const auto out = rig.send(from_client(fragment));
    std::ranges::fill(rig.kernel.rows<__u64>("glb_stamps"), 0);
    CHECK(rig.send(return_frame(out.frame)).code == XDP_DROP);
    CHECK(rig.drops(GLB_DROP_UNKNOWN_FLOW) == 1);
}

TEST_CASE("stamps: an untracked flow other than TCP is new again after two minutes", "[stamps]") {
    const bool late = GENERATE(false, true);
    NativeRig rig;
    FullTable table(udp_request, rig);
    REQUIRE_FALSE(table.insert()); // sent untracked, with a stamp
    table.put(5, {.code = GLB_FLOW_FREE});
    table.set_now(table_now + (late ? 120 : 119) * seconds);
    CHECK(table.insert() == 5);
    CHECK(rig.count(GLB_COUNT_FLOW_NEW) == (late ? 1 : 0));
    CHECK(rig.count(GLB_COUNT_FLOW_MIDSTREAM) == (late ? 0 : 1));
}

TEST_CASE("stamps: packets of an evicted live flow are accepted on return", "[stamps]") {
    NativeRig rig;
    const auto out = rig.send(from_client(udp_request));
    REQUIRE(out.code == XDP_REDIRECT);
    glb_flow_hot live{};
    for (const auto &line : rig.kernel.rows<glb_flow_hot>("glb_flows_hot"))
        if (glb_meta_code(line.meta) == GLB_FLOW_NEW)
            live = line;
    FullTable table(IPv4{} / Tcp{.flags = tcp::syn}, rig);
    live.meta = glb_meta_with_seen(live.meta, table_now);
    table.line(5) = live;
    REQUIRE(table.insert() == 5);
    CHECK(rig.count(GLB_COUNT_FLOW_REPLACED) == 1);
    CHECK(rig.send(return_frame(out.frame)).code == XDP_PASS);
    CHECK(rig.count(GLB_COUNT_RETURN_UNTRACKED) == 1);
}
