// Packets that the kernel would not have forwarded, or not as they came: wrong header checksums, segments that an
// appliance has merged, metadata of a driver or of the far end of a veth.
#include <catch2/catch.hpp>

#include <bpf/bpf.h>
#include <linux/bpf.h>

#include "tests/harness/skip.h"
#include "tests/packet/routed.h"

using namespace glb;
using namespace glb::test;

namespace {

const Packet rest = Udp{} / Payload{from_string("a request")};

Bytes return_of(const Outcome &out, const Packet &inner) {
    const unsigned target = out.frame.at(5) == target2_mac.bytes[5];
    return returned(target, cookie_of(out.frame), entropy_of(out.frame), inner);
}

/// A packet whose header has 20 to 60 bytes, all of them different.
IPv4 with_options(std::size_t bytes) {
    Bytes options;
    for (std::size_t i = 0; i < bytes; ++i)
        options.push_back(static_cast<std::uint8_t>(i * 7 + 1));
    return {.ttl = 63, .tos = 0xb8, .id = 0xabcd, .df = true, .options = options};
}

} // namespace

TEST_CASE("checksum: a header in which any bit is wrong is dropped, without a flow", "[checksum]") {
    Rig rig;
    const std::size_t options = GENERATE(0u, 4u, 20u, 40u);
    const auto good = from_client(with_options(options) / rest);
    std::uint64_t dropped = 0;
    // Not version and length, which make it malformed, nor the destination's first octet, which may make it local.
    for (std::size_t at = 14 + 1; at < 14 + 20 + options; ++at) {
        if (at == 14 + 2 || at == 14 + 3 || at == 14 + 6 || at == 14 + 7 || at == 14 + 9 || at == 14 + 12 ||
            at == 14 + 16)
            continue;
        CAPTURE(at);
        for (unsigned bit = 1; bit < 256; bit *= 2) {
            auto bad = good;
            bad[at] ^= static_cast<std::uint8_t>(bit);
            CHECK(rig.send(bad).code == XDP_DROP);
            CHECK(rig.drops(GLB_DROP_BAD_CHECKSUM) == ++dropped);
        }
    }
    CHECK(rig.count(GLB_COUNT_FLOW_NEW) == 0);
    CHECK(rig.send(good).code == XDP_REDIRECT);
    CHECK(rig.drops(GLB_DROP_BAD_CHECKSUM) == dropped);
}

TEST_CASE("checksum: every valid header passes, whatever its sum carries", "[checksum]") {
    Rig rig;
    for (unsigned id = 0; id < 0x10000; id += 0x101) {
        const IPv4 ip{
            .src = "192.0.2.255", .dst = "255.254.253.252", .ttl = 255, .id = static_cast<std::uint16_t>(id)};
        REQUIRE(rig.send(from_client(ip / rest)).code == XDP_REDIRECT);
    }
}

TEST_CASE("checksum: a returned packet with a wrong header checksum is dropped", "[checksum]") {
    need_root();
    RoutedRig routed;
    const auto out = routed.rig.send(from_client(to_lan));
    auto frame = return_of(out, to_lan);
    frame.at(frame.size() - to_lan.bytes().size() + 8) ^= 0x10; // its TTL
    CHECK(routed.rig.send(frame).code == XDP_DROP);
    CHECK(routed.rig.drops(GLB_DROP_BAD_CHECKSUM) == 1);
    CHECK(routed.rig.send(return_of(out, to_lan)).code == XDP_REDIRECT);
}

TEST_CASE("offload: a returned packet longer than its endpoint's MTU is dropped, not answered", "[offload]") {
    need_root();
    RoutedRig routed;
    routed.rig.reconfigure([](auto &bank) { bank.endpoints[0].mtu = 1300; });
    routed.egress("lan0", 1280);
    const auto sized = [](std::size_t bytes, bool six) {
        return six ? IPv6{} / Udp{} / Payload{Bytes(bytes - 48)}
                   : IPv4{} / Udp{} / Payload{Bytes(bytes - 28)};
    };
    const bool six = GENERATE(false, true);
    const auto out = routed.rig.send(from_client(sized(100, six)));
    REQUIRE(out.code == XDP_REDIRECT);
    for (const std::size_t bytes : {1301u, 2600u, 9000u}) {
        const auto outcome = routed.rig.send(return_of(out, sized(bytes, six)));
        CHECK(outcome.code == XDP_DROP);
        CHECK(outcome.metadata.empty());
    }
    CHECK(routed.rig.drops(GLB_DROP_APPLIANCE_OFFLOAD) == 3);
    CHECK(routed.rig.count(GLB_COUNT_PUNTED) == 0);
    // A length that the endpoint can have sent is answered by the kernel.
    CHECK(routed.rig.send(return_of(out, sized(1300, six))).code == XDP_PASS);
    CHECK(routed.rig.count(GLB_COUNT_PUNTED) == 1);
    CHECK(routed.rig.send(return_of(out, sized(1280, six))).code == XDP_REDIRECT);
}

TEST_CASE("tunnel address: without it nothing is sent and no policy bypasses", "[tunnel_address]") {
    need_root();
    RoutedRig routed;
    const auto action = GENERATE(GLB_NO_TARGET_DROP, GLB_NO_TARGET_BYPASS, GLB_NO_TARGET_PENDING);
    const bool is_healthy = GENERATE(true, false);
    for (std::uint32_t index = 0; index < 2 && !is_healthy; ++index)
        REQUIRE(routed.rig.roles.state.set_target_state(index, 0));
    REQUIRE(routed.rig.roles.state.set_group_action(2, action));
    routed.rig.reconfigure([](auto &bank) { bank.has_tunnel_address = false; });
    CHECK(routed.rig.send(from_client(to_lan)).code == XDP_DROP);
    CHECK(routed.rig.drops(GLB_DROP_NO_TUNNEL_ADDRESS) == 1);
    CHECK(routed.rig.count(GLB_COUNT_BYPASSED) == 0);
    CHECK(routed.rig.count(GLB_COUNT_FLOW_NEW) == 0);

    // An operator's bypass is an explicit order.
    const std::uint32_t key = sample_endpoint;
    const std::uint64_t override = GLB_ENDPOINT_BYPASS;
    REQUIRE(bpf_map_update_elem(routed.rig.roles.handles->map(datapath::Map::endpoint_override), &key,
                                &override, BPF_ANY) == 0);
    CHECK(routed.rig.send(from_client(to_lan)).code == XDP_REDIRECT);
    CHECK(routed.rig.count(GLB_COUNT_BYPASSED) == 1);
}

TEST_CASE("metadata: what a frame brings leaves neither with a redirect nor to the stack", "[metadata]") {
    need_root();
    RoutedRig routed;
    const std::size_t size = GENERATE(4u, 8u, 32u);
    const auto run = [&](const Bytes &frame) {
        return run_xdp(routed.rig.roles.handles->program(), frame,
                       {.ingress_ifindex = 1, .metadata = Bytes(size, 0xbb)});
    };
    const auto out = run(from_client(to_lan));
    CHECK(out.verdict == XDP_REDIRECT);
    CHECK(out.metadata.empty());
    CHECK(routed.rig.count(GLB_COUNT_ENCAPSULATED) == 1);

    const auto on = run(return_of({out.verdict, out.bytes, {}}, to_lan));
    CHECK(on.verdict == XDP_REDIRECT);
    CHECK(on.metadata.empty());
    CHECK(routed.rig.count(GLB_COUNT_FORWARDED) == 1);

    const Packet expiring = IPv4{.ttl = 1} / rest;
    const auto up = run(return_of({out.verdict, run(from_client(expiring)).bytes, {}}, expiring));
    CHECK(up.verdict == XDP_PASS);
    CHECK_THAT(up.metadata, equals(from_hex("ed5eed5e 03000000"))); // ours alone

    for (const auto &frame :
         {Bytes(Eth{.dst = node_mac} / Arp{}), Bytes(Eth{.dst = node_mac} / IPv4{.dst = "192.0.2.1"} / Udp{}),
          Bytes(Eth{.dst = node_mac} / Vlan{99} / to_lan), Bytes(Eth{.dst = "02:00:00:00:99:99"} / to_lan)}) {
        const auto passed = run(frame);
        CHECK(passed.verdict == XDP_PASS);
        CHECK(passed.metadata.empty());
        CHECK_THAT(passed.bytes, equals(frame));
    }
}
