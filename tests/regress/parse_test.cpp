// What the fuzzer of parsing found.
#include <catch2/catch.hpp>

#include <linux/bpf.h>

#include "tests/harness/packet.h"
#include "tests/native/native_rig.h"

using namespace glb::test;

namespace {

const Packet ethernet = Eth{.dst = "02:00:00:00:00:02"};

/// Where the packet went, as far as steering has a say: the frame's Ethernet header and the entropy port.
Bytes steered(NativeRig &rig, const Bytes &frame) {
    const auto out = rig.send(frame).frame;
    Bytes result(out.begin(), out.begin() + 14);
    result.insert(result.end(), out.begin() + 38, out.begin() + 40);
    return result;
}

} // namespace

TEST_CASE("padding behind an ICMP error is not what the error quotes", "[regress]") {
    // It was read as the quoted packet, so that a flow's errors went where the padding said.
    NativeRig rig;
    const auto quote = (IPv4{.src = "203.0.113.9"} / Udp{.sport = 9}).bytes();
    const auto bare = (ethernet / IPv4{} / icmp_unreachable(1)).bytes();
    CHECK(steered(rig, bare + quote) == steered(rig, bare));
    const auto quoted = (ethernet / IPv4{} / icmp_unreachable(1) / Payload{quote}).bytes();
    CHECK(steered(rig, quoted) != steered(rig, bare));

    const auto six = (IPv6{.src = "2001:db8:9::1"} / Udp{.sport = 9}).bytes();
    const auto bare_six = (ethernet / IPv6{} / icmp6_unreachable(1)).bytes();
    CHECK(steered(rig, bare_six + six) == steered(rig, bare_six));
}

TEST_CASE("of an ICMP error's quote that is cut behind its IP header, padding gives no ports", "[regress]") {
    NativeRig rig;
    const auto quote = (IPv4{.src = "203.0.113.9"} / Udp{.sport = 9}).bytes();
    const auto cut = (ethernet / IPv4{} / icmp_unreachable(1) / Payload{truncated(quote, 20)}).bytes();
    CHECK(steered(rig, cut + ByteView(quote).subspan(20)) == steered(rig, cut));
}

TEST_CASE("an IPv6 packet whose length does not fit 16 bits is malformed", "[regress]") {
    // Loopback's MTU lets 65,536 bytes through: the length became 0, and the packet was cut to it.
    NativeRig rig;
    const auto giant =
        (ethernet / IPv6{.payload_length = 65536 - 40} / Udp{.length = 0}).padded_to(14 + 65536);
    CHECK(rig.send(giant, {.linear = 256}).code == XDP_DROP);
    CHECK(rig.drops(GLB_DROP_MALFORMED) == 1);
}
