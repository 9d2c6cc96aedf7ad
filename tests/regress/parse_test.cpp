// Bugs found by fuzz_parse.
#include <catch2/catch.hpp>

#include <linux/bpf.h>

#include "tests/harness/packet.h"
#include "tests/native/native_rig.h"

using namespace glb::test;

namespace {

const Packet ethernet = Eth{.dst = "02:00:00:00:00:02"};

/// The result of steering: Ethernet header and entropy port of the frame sent.
Bytes steered(NativeRig &rig, const Bytes &frame) {
    const auto out = rig.send(frame).frame;
    Bytes result(out.begin(), out.begin() + 14);
    result.insert(result.end(), out.begin() + 38, out.begin() + 40);
    return result;
}

} // namespace

TEST_CASE("parse: padding behind an ICMP error is not part of its quote", "[regress]") {
    // The padding was parsed as the quoted packet, so it selected the target of the error.
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

TEST_CASE("parse: padding behind a truncated quote gives no ports", "[regress]") {
    NativeRig rig;
    const auto quote = (IPv4{.src = "203.0.113.9"} / Udp{.sport = 9}).bytes();
    const auto cut = (ethernet / IPv4{} / icmp_unreachable(1) / Payload{truncated(quote, 20)}).bytes();
    CHECK(steered(rig, cut + ByteView(quote).subspan(20)) == steered(rig, cut));
}

TEST_CASE("parse: an IPv6 packet longer than 65535 bytes is malformed", "[regress]") {
    // Loopback's MTU allows 65,536 bytes: the length wrapped to 0, and the packet was cut to it.
    NativeRig rig;
    const auto giant =
        (ethernet / IPv6{.payload_length = 65536 - 40} / Udp{.length = 0}).padded_to(14 + 65536);
    CHECK(rig.send(giant, {.linear = 256}).code == XDP_DROP);
    CHECK(rig.drops(GLB_DROP_MALFORMED) == 1);
}
