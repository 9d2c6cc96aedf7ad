// Packets whose checksum their sender has left to its device are reported.
#include <catch2/catch.hpp>

#include <linux/bpf.h>

#include "tests/harness/catch_bytes.h"
#include "tests/native/native_rig.h"
#include "tests/native/sample.h"

using namespace glb::test;

namespace {

constexpr std::size_t ip_at = 14;

/// Where the transport header is, without extension headers; the addresses; the protocol.
struct Layout {
    explicit Layout(const Bytes &frame) : v6(frame.at(ip_at) >> 4 == 6) {
        transport = ip_at + (v6 ? 40 : (frame.at(ip_at) & 0xf) * 4u);
        addresses = ip_at + (v6 ? 8 : 12);
        protocol = frame.at(ip_at + (v6 ? 6 : 9));
        const auto at = ip_at + (v6 ? 4 : 2);
        const auto total = frame.at(at) * 256u + frame.at(at + 1);
        length = static_cast<std::uint32_t>(v6 ? total : total - (transport - ip_at));
        check = transport + (protocol == 6 ? 16 : 6);
    }
    bool v6;
    std::size_t transport, addresses, check;
    std::uint32_t protocol, length;
};

std::uint32_t sum(const Bytes &frame, std::size_t from, std::size_t to, std::uint32_t start = 0) {
    for (auto at = from; at < to; at += 2)
        start += frame.at(at) * 256u + (at + 1 < to ? frame.at(at + 1) : 0u);
    while (start >> 16)
        start = (start & 0xffff) + (start >> 16);
    return start;
}

void put16(Bytes &frame, std::size_t at, std::uint32_t value) {
    frame.at(at) = static_cast<std::uint8_t>(value >> 8);
    frame.at(at + 1) = static_cast<std::uint8_t>(value);
}

/// With the pseudo-header's sum as checksum, as Linux gives a packet to a device that computes the rest.
Bytes partial(const Packet &packet) {
    auto frame = from_client(packet);
    const Layout layout(frame);
    put16(frame, layout.check,
          sum(frame, layout.addresses, layout.addresses + (layout.v6 ? 32 : 8),
              layout.protocol + layout.length));
    return frame;
}

/// The same, but right: the last two bytes of the payload make up for it.
Bytes right_by_chance(const Packet &packet) {
    auto frame = partial(packet);
    const Layout layout(frame);
    const auto end = layout.transport + layout.length;
    put16(frame, end - 2, 0);
    const auto pseudo = frame.at(layout.check) * 256u + frame.at(layout.check + 1);
    put16(frame, end - 2, 0xffff - sum(frame, layout.transport, end, pseudo));
    return frame;
}

const Packet bare_syn = Tcp{.flags = tcp::syn};
const Packet short_datagram = Udp{} / Payload(Bytes(30, 0x55));

bool is_reported(NativeRig &rig, const Bytes &frame) {
    const auto before = rig.kernel.events.size();
    rig.kernel.now_ns += std::uint64_t{1} << GLB_TICK_SHIFT;
    CHECK(rig.send(frame).code == XDP_REDIRECT);
    return rig.kernel.events.size() > before;
}
bool is_reported(const Bytes &frame) {
    NativeRig rig;
    return is_reported(rig, frame);
}

} // namespace

TEST_CASE("tx offload: first packets with the pseudo-header's sum alone are reported with their endpoint") {
    NativeRig rig;
    REQUIRE(is_reported(rig, partial(IPv4{} / bare_syn)));
    REQUIRE(rig.kernel.events.size() == 1);
    CHECK(rig.kernel.events[0].kind == GLB_EVENT_TX_OFFLOAD);
    CHECK(rig.kernel.events[0].ifindex == 1);
    CHECK(rig.kernel.events[0].address[0] == sample_endpoint);
    CHECK(is_reported(partial(IPv6{} / bare_syn)));
    CHECK(is_reported(partial(IPv4{.options = Bytes(8, 1)} / bare_syn)));
    CHECK(is_reported(partial(IPv4{} / Tcp{.flags = tcp::syn, .options = Bytes(40, 1)})));
    CHECK(is_reported(partial(IPv4{} / Tcp{.flags = tcp::syn | tcp::ack})));
    CHECK(is_reported(partial(IPv4{} / short_datagram)));
    CHECK(is_reported(partial(IPv6{} / short_datagram)));
    CHECK(is_reported(partial(IPv4{} / Udp{} / Payload(Bytes(120, 0x55)))));
    auto padded = partial(IPv4{} / bare_syn);
    padded.resize(60, 0xee);
    CHECK(is_reported(padded));
}

TEST_CASE("tx offload: right checksums are not reported, even if they equal the pseudo-header's sum") {
    CHECK_FALSE(is_reported(from_client(IPv4{} / bare_syn)));
    CHECK_FALSE(is_reported(from_client(IPv6{} / bare_syn)));
    CHECK_FALSE(is_reported(from_client(IPv4{} / short_datagram)));
    CHECK_FALSE(is_reported(from_client(IPv6{} / short_datagram)));
    CHECK_FALSE(is_reported(right_by_chance(IPv4{} / short_datagram)));
    CHECK_FALSE(is_reported(right_by_chance(IPv6{} / short_datagram)));
    CHECK_FALSE(is_reported(right_by_chance(IPv4{} / bare_syn / Payload(Bytes(2)))));
}

TEST_CASE("tx offload: wrong checksums, none, and packets without a checksum of their own are not reported") {
    CHECK_FALSE(is_reported(from_client(IPv4{} / Tcp{.flags = tcp::syn, .checksum = 0x1234})));
    CHECK_FALSE(is_reported(from_client(IPv4{} / Udp{.checksum = 0})));
    CHECK_FALSE(is_reported(from_client(IPv4{} / icmp_echo(1, 1))));
    CHECK_FALSE(is_reported(from_client(IPv4{.more_fragments = true} / short_datagram)));
    CHECK_FALSE(
        is_reported(partial(IPv4{} / Udp{} / Payload(Bytes(121, 0x55))))); // longer than what is summed
}

TEST_CASE("tx offload: of a known flow SYN and SYN-ACK are examined, and no other packet") {
    NativeRig rig;
    CHECK(is_reported(rig, partial(IPv4{} / bare_syn)));
    CHECK(is_reported(rig, partial(IPv4{} / bare_syn)));
    const IPv4 back{.src = "198.51.100.20", .dst = "192.0.2.10"};
    const Tcp answer{.sport = 80, .dport = 12345, .flags = tcp::syn | tcp::ack};
    CHECK_FALSE(is_reported(rig, from_client(back / answer)));
    CHECK(is_reported(rig, partial(back / answer)));
    CHECK_FALSE(is_reported(rig, partial(IPv4{} / Tcp{.flags = tcp::ack})));
    CHECK(rig.count(GLB_COUNT_FLOW_NEW) == 1);
    CHECK(is_reported(rig, partial(IPv4{} / short_datagram)));
    CHECK_FALSE(is_reported(rig, partial(IPv4{} / short_datagram)));
}

TEST_CASE("tx offload: the report is one per endpoint and tick") {
    NativeRig rig;
    rig.kernel.now_ns += std::uint64_t{1} << GLB_TICK_SHIFT;
    const auto before = rig.kernel.events.size();
    for (std::uint16_t port = 1; port <= 100; ++port)
        CHECK(rig.send(partial(IPv4{} / Tcp{.sport = port, .flags = tcp::syn})).code == XDP_REDIRECT);
    CHECK(rig.kernel.events.size() == before + 1);
}
