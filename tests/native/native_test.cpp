// The native build processes packets end to end, and its fake kernel rejects the same arguments as a kernel.
#include <catch2/catch.hpp>

#include <linux/bpf.h>

#include "tests/harness/catch_bytes.h"
#include "tests/harness/packet.h"
#include "tests/native/native_rig.h"
#include "tests/native/sample.h"

using namespace glb::test;

namespace {

const Packet request = IPv4{} / Udp{} / Payload{"a question"};

/// The frame that the target returns for the one it received: outer addresses swapped, inner packet
/// unchanged.
Bytes returned(Bytes frame) {
    std::swap_ranges(frame.begin(), frame.begin() + 6, frame.begin() + 6);
    std::swap_ranges(frame.begin() + 30, frame.begin() + 34, frame.begin() + 34);
    return frame;
}

} // namespace

TEST_CASE("native: a packet is encapsulated, returned and forwarded", "[native]") {
    NativeRig rig;
    const unsigned tags = GENERATE(0u, 1u, 2u);
    rig.route_by(tags);
    const auto sent = (Eth{.dst = node_mac} / request).padded_to(60);
    const auto out = rig.send(sent);
    REQUIRE(out.code == XDP_REDIRECT);
    CHECK(out.ifindex == 1u);
    CHECK(out.frame.size() == 18 + 68 + request.bytes().size());
    CHECK(rig.count(GLB_COUNT_ENCAPSULATED) == 1);

    const auto on = rig.send(returned(out.frame));
    CHECK(rig.count(GLB_COUNT_FORWARDED) == 1);
    REQUIRE(on.code == XDP_REDIRECT);
    Packet expected = Eth{.dst = "da:da:da:da:da:da", .src = "5a:5a:5a:5a:5a:5a"};
    for (unsigned i = 0; i < tags; ++i)
        expected = expected / Vlan{static_cast<std::uint16_t>(100 + i)};
    CHECK(difference(on.frame, (expected / IPv4{.ttl = 63} / Udp{} / Payload{"a question"}).bytes()) == "");
}

TEST_CASE("native: a packet without a route is punted with 8 bytes of metadata", "[native]") {
    NativeRig rig;
    const auto out = rig.send(from_client(request));
    REQUIRE(out.code == XDP_REDIRECT);
    const auto up = rig.send(returned(out.frame), {}, Bytes(12, 0xbb)); // forged metadata is removed
    CHECK(up.code == XDP_PASS);
    CHECK(rig.count(GLB_COUNT_PUNTED) == 1);
    CHECK(to_hex(up.metadata) == "ed5eed5e03000000");
    const auto ethernet = from_hex("0180c2000001"
                                   "020000000111"
                                   "0800");
    CHECK(difference(up.frame, ethernet + request.bytes()) == "");
}

TEST_CASE("native: punts are limited per endpoint, and tokens return with time", "[native]") {
    NativeRig rig;
    const auto out = rig.send(from_client(request));
    const auto frame = returned(out.frame);
    const auto punted = [&] {
        unsigned passed = 0;
        while (passed < 10000 && rig.send(frame).code == XDP_PASS)
            ++passed;
        return passed;
    };
    CHECK(punted() == 1005);
    CHECK(rig.count(GLB_COUNT_PUNTED) == 1005);
    CHECK(rig.drops(GLB_DROP_PUNT_LIMITED) == 1);
    CHECK(punted() == 0);
    rig.kernel.now_ns += 2ull << GLB_TICK_SHIFT;
    CHECK(punted() == 2 * 67);
    CHECK(rig.count(GLB_COUNT_PUNTED) == 1005 + 2 * 67);
    CHECK(rig.drops(GLB_DROP_PUNT_LIMITED) == 3);
}

TEST_CASE("native: traffic to an interface without the data path is punted without a limit", "[native]") {
    NativeRig rig;
    rig.route_by(0);
    const auto out = rig.send(from_client(request));
    rig.kernel.fib = [](bpf_fib_lookup &fib) {
        fib.ifindex = 41; // has no row in glb_egress
        return 0L;
    };
    for (int i = 0; i < 2000; ++i)
        REQUIRE(rig.send(returned(out.frame)).code == XDP_PASS);
    CHECK(rig.count(GLB_COUNT_PUNTED) == 2000);
    CHECK(rig.drops(GLB_DROP_PUNT_LIMITED) == 0);
}

TEST_CASE("native: helpers reject the same arguments as the kernel's", "[native]") {
    NativeFrame frame(Bytes(64, 1), {.headroom = 24, .linear = 40});
    CHECK(frame.adjust_head(-25) == -EINVAL);
    CHECK(frame.adjust_head(27) == -EINVAL); // 14 bytes must stay in the linear part
    CHECK(frame.adjust_meta(-6) == -EACCES);
    CHECK(frame.adjust_meta(-8) == 0);
    CHECK(frame.adjust_head(-20) == -EINVAL); // the metadata moves along and needs headroom
    CHECK(frame.adjust_head(-16) == 0);
    CHECK(frame.metadata().size() == 8);
    CHECK(frame.size() == 80);
    CHECK(frame.adjust_tail(-67) == -EINVAL);
    CHECK(frame.adjust_tail(-30) == 0); // fragments first
    CHECK(frame.bytes().size() == 50);
    CHECK(frame.data_end - frame.data == 50);
    NativeFrame bare(Bytes(64), {.has_metadata = false});
    CHECK(bare.adjust_meta(-8) == -ENOTSUP);
    CHECK(bare.data_meta > bare.data);
}
