// The bytes of a packet are its IP length at every counter: of the inner packet, in the tunnel.
#include <catch2/catch.hpp>

#include <linux/bpf.h>

#include "tests/harness/skip.h"
#include "tests/packet/routed.h"

using namespace glb;
using namespace glb::test;

namespace {

constexpr std::uint64_t length = 128; // of the IP packet

Packet packet_of(std::size_t ip_length, const std::string &destination = "198.51.100.20") {
    return IPv4{.dst = destination} / Udp{} / Payload{Bytes(ip_length - 20 - 8)};
}

glb_count drops_of(const Rig &rig, glb_drop reason) {
    return rig.roles.counters.drops().value()[reason];
}

glb_count counter_of(const Rig &rig, glb_counter counter) {
    return rig.roles.counters.counters().value()[counter];
}

} // namespace

TEST_CASE("bytes: every counter that an inspected packet passes adds its IP length", "[bytes]") {
    need_root();
    RoutedRig routed;
    auto &rig = routed.rig;
    REQUIRE(packet_of(length).bytes().size() == length);
    const auto out = rig.send(from_client(packet_of(length)));
    REQUIRE(out.code == XDP_REDIRECT);
    const unsigned target = out.frame.at(5) == target2_mac.bytes[5];
    REQUIRE(rig.send(returned(target, cookie_of(out.frame), entropy_of(out.frame), packet_of(length))).code ==
            XDP_REDIRECT);

    for (const auto counter : {GLB_COUNT_ENCAPSULATED, GLB_COUNT_FORWARDED}) {
        CAPTURE(counter);
        CHECK(counter_of(rig, counter).packets == 1);
        CHECK(counter_of(rig, counter).bytes == length);
    }
    const auto endpoint = rig.roles.counters.endpoint_count(sample_endpoint).value();
    CHECK(endpoint.in.bytes == length);
    CHECK(endpoint.forwarded.bytes == length);
    const auto of_target = rig.roles.counters.target_count(target).value();
    CHECK(of_target.outbound.bytes == length);
    CHECK(of_target.returned.bytes == length);
}

TEST_CASE("bytes: neither tags nor padding of the endpoint's frame count", "[bytes]") {
    need_root();
    RoutedRig routed;
    auto &rig = routed.rig;
    SECTION("padding") {
        REQUIRE(rig.send(padded_to(from_client(packet_of(40)), 120)).code == XDP_REDIRECT);
    }
    SECTION("a priority tag") {
        const Bytes tagged = Eth{.dst = node_mac} / Vlan{0} / packet_of(40);
        REQUIRE(rig.send(tagged).code == XDP_REDIRECT);
    }
    CHECK(counter_of(rig, GLB_COUNT_ENCAPSULATED).bytes == 40);
    CHECK(rig.roles.counters.endpoint_count(sample_endpoint).value().in.bytes == 40);
}

TEST_CASE("bytes: a dropped packet adds its IP length on both legs", "[bytes]") {
    need_root();
    RoutedRig routed;
    auto &rig = routed.rig;
    const auto out = rig.send(from_client(packet_of(length)));
    REQUIRE(out.code == XDP_REDIRECT);
    const unsigned target = out.frame.at(5) == target2_mac.bytes[5];

    SECTION("an endpoint's packet with a martian source") {
        const Packet martian = IPv4{.src = "127.0.0.1"} / Udp{} / Payload{Bytes(length - 28)};
        REQUIRE(rig.send(padded_to(from_client(martian), 300)).code == XDP_DROP);
        CHECK(drops_of(rig, GLB_DROP_MARTIAN).bytes == length);
    }
    SECTION("a returned packet of a flow that nobody has sent") {
        const auto stranger = packet_of(length, "198.51.100.21");
        REQUIRE(rig.send(returned(target, cookie_of(out.frame), entropy_of(out.frame), stranger)).code ==
                XDP_DROP);
        CHECK(drops_of(rig, GLB_DROP_UNKNOWN_FLOW).bytes == length);
    }
    SECTION("a returned packet that the wrong target sends") {
        REQUIRE(rig.send(returned(target ^ 1, cookie_of(out.frame), entropy_of(out.frame), packet_of(length)))
                    .code == XDP_DROP);
        CHECK(drops_of(rig, GLB_DROP_WRONG_TARGET).bytes == length);
    }
    SECTION("what the tunnel carries, if it is no packet") {
        auto frame = returned(target, cookie_of(out.frame), entropy_of(out.frame), packet_of(length));
        frame.at(14 + 4 + 68) = 0x65; // the version of the inner IP header, behind the tag of the tunnel
        REQUIRE(rig.send(frame).code == XDP_DROP);
        CHECK(drops_of(rig, GLB_DROP_INNER_MALFORMED).bytes == length);
    }
}

TEST_CASE("bytes: a punted packet adds its IP length", "[bytes]") {
    need_root();
    RoutedRig routed;
    const Packet ends = IPv4{.ttl = 1} / Udp{} / Payload{Bytes(length - 28)};
    REQUIRE(routed.round_trip(ends).code == XDP_PASS);
    CHECK(counter_of(routed.rig, GLB_COUNT_PUNTED).bytes == length);
    CHECK(routed.rig.roles.counters.endpoint_count(sample_endpoint).value().forwarded.bytes == length);
}

TEST_CASE("bytes: a frame without an IP packet adds what follows its Ethernet header and tags", "[bytes]") {
    Rig rig;
    const Mac everybody = "ff:ff:ff:ff:ff:ff";
    const auto arp = [](Bytes frame, std::size_t type) {
        frame.at(type) = 0x08;
        frame.at(type + 1) = 0x06;
        return frame;
    };
    REQUIRE(rig.send(arp(Eth{.dst = everybody} / Payload{Bytes(46)}, 12)).code == XDP_PASS);
    CHECK(counter_of(rig, GLB_COUNT_LOCAL).bytes == 46);
    REQUIRE(rig.send(arp(Eth{.dst = everybody} / Vlan{7} / Payload{Bytes(46)}, 16)).code == XDP_PASS);
    CHECK(counter_of(rig, GLB_COUNT_LOCAL).bytes == 92);
}
