// Returned in-band probes are reported to the controller and consumed; invalid ones are dropped.
#include <catch2/catch.hpp>

#include <cstring>

#include <linux/bpf.h>

#include "tests/native/native_rig.h"
#include "tests/packet/rig.h"

using namespace glb;
using namespace glb::test;

namespace {

const Bytes nonce = from_hex("0123456789abcdef");

Bytes probe_payload() {
    Bytes payload = from_string("glb-prob");
    payload.insert(payload.end(), nonce.begin(), nonce.end());
    return payload;
}

Packet probe(Bytes payload = probe_payload()) {
    return IPv4{.src = "198.18.0.1", .dst = "198.18.0.2"} / Udp{.sport = 7, .dport = 7} /
           Payload{std::move(payload)};
}

/// As returned by `target`, with the probes' endpoint id.
Bytes from_target(unsigned target, const Packet &inner) {
    return (Eth{.dst = node_mac, .src = target ? target2_mac : target_mac} / Vlan{7} /
            IPv4{.src = target ? "10.0.1.21" : "10.0.1.20", .dst = "10.0.1.10"} /
            Udp{.sport = 0xc123, .dport = 6081, .checksum = 0} /
            Geneve{.options = aws_options(GLB_IN_BAND_ENDPOINT, 0, 0x5eed)} / inner)
        .bytes();
}

std::vector<glb_event> events(Rig &rig) {
    std::vector<glb_event> all;
    REQUIRE(rig.roles.events.poll([&](const glb_event &event) { all.push_back(event); }));
    return all;
}

std::uint64_t all_drops(const Rig &rig) {
    std::uint64_t sum = 0;
    for (int reason = 0; reason < GLB_DROP_MAX; ++reason)
        sum += rig.drops(static_cast<glb_drop>(reason));
    return sum;
}

constexpr std::size_t inner_at = outer_offset + 20 + 8 + 40;
constexpr std::size_t inner_udp_at = inner_at + 20;

} // namespace

TEST_CASE("in-band: probe is reported with sender and nonce and consumed", "[in_band]") {
    Rig rig;
    const unsigned target = GENERATE(0u, 1u);
    const auto more = GENERATE(false, true); // data behind the nonce, and Ethernet padding
    auto payload = probe_payload();
    if (more)
        payload.resize(payload.size() + 40);
    auto frame = from_target(target, probe(payload));
    if (more)
        frame = padded_to(frame, 300);
    CHECK(rig.send(frame).code == XDP_DROP);
    CHECK(rig.count(GLB_COUNT_IN_BAND) == 1);
    CHECK(all_drops(rig) == 0);
    const auto reported = events(rig);
    REQUIRE(reported.size() == 1);
    CHECK(reported[0].kind == GLB_EVENT_IN_BAND);
    CHECK(reported[0].ifindex == 1);
    CHECK(reported[0].family == 4);
    CHECK(reported[0].address[0] == IpAddress::parse(target ? "10.0.1.21" : "10.0.1.20")->v4_network_order());
    CHECK(std::memcmp(&reported[0].address[1], nonce.data(), nonce.size()) == 0);
    CHECK(reported[0].address[3] == 0);
    CHECK(rig.roles.counters.target_count(target)->returned.packets ==
          0); // not counted as traffic of the target
}

TEST_CASE("in-band: probe with IP options is accepted", "[in_band]") {
    Rig rig;
    const Packet inner = IPv4{.options = Bytes(8, 1)} / Udp{} / Payload{probe_payload()};
    CHECK(rig.send(from_target(0, inner)).code == XDP_DROP);
    CHECK(rig.count(GLB_COUNT_IN_BAND) == 1);
    REQUIRE(events(rig).size() == 1);
}

TEST_CASE("in-band: invalid probes are dropped with the matching reason and not reported", "[in_band]") {
    Rig rig;
    auto frame = from_target(0, probe());
    auto reason = GLB_DROP_INNER_MALFORMED;
    SECTION("from an unknown sender") {
        frame[outer_offset + 15] = 99;
        reason = GLB_DROP_UNKNOWN_SENDER;
    }
    SECTION("with another MAC") {
        frame[11] ^= 1;
        reason = GLB_DROP_SENDER_MAC;
    }
    SECTION("another magic") {
        frame[inner_udp_at + 8] ^= 1;
    }
    SECTION("another endpoint") {
        frame[outer_offset + 20 + 8 + 8 + 4] ^= 1;
        reason = GLB_DROP_UNKNOWN_ENDPOINT;
    }
    SECTION("a nonce cut short") {
        auto payload = probe_payload();
        payload.pop_back();
        frame = from_target(0, probe(payload));
    }
    SECTION("a UDP length that ends within the nonce") {
        set16(frame, inner_udp_at + 4, 8 + 15);
    }
    SECTION("a UDP length of zero") {
        set16(frame, inner_udp_at + 4, 0);
    }
    SECTION("a UDP length beyond the packet") {
        set16(frame, inner_udp_at + 4, 100);
    }
    SECTION("an IP length that ends within the nonce") {
        set16(frame, inner_at + 2, 20 + 8 + 15);
        set16(frame, inner_udp_at + 4, 8 + 15);
    }
    SECTION("an IP length beyond the tunnel packet") {
        set16(frame, inner_at + 2, 400);
    }
    SECTION("an IP header longer than the packet") {
        frame[inner_at] = 0x4f;
    }
    SECTION("TCP") {
        frame = from_target(0, IPv4{} / Tcp{} / Payload{probe_payload()});
    }
    SECTION("IPv6") {
        frame = from_target(0, IPv6{} / Udp{} / Payload{probe_payload()});
    }
    SECTION("a fragment") {
        frame = from_target(0, IPv4{.more_fragments = true} / Udp{} / Payload{probe_payload()});
    }
    SECTION("an ICMP error that quotes one") {
        frame = from_target(0, IPv4{} / icmp_unreachable(13) / probe());
    }
    CHECK(rig.send(frame).code == XDP_DROP);
    CHECK(rig.drops(reason) == 1);
    CHECK(all_drops(rig) == 1);
    CHECK(rig.count(GLB_COUNT_IN_BAND) == 0);
    for (const auto &event : events(rig))
        CHECK(event.kind != GLB_EVENT_IN_BAND);
}

TEST_CASE("in-band: truncated probes are never read beyond their end", "[in_band]") {
    NativeRig rig;
    const auto whole = from_target(0, probe());
    for (std::size_t end = 0; end <= whole.size(); ++end) {
        const auto before = rig.count(GLB_COUNT_IN_BAND);
        const int code = rig.send(whole, {.linear = end}).code;
        CHECK((code == XDP_DROP || code == XDP_PASS));
        CHECK(rig.count(GLB_COUNT_IN_BAND) == before + (end == whole.size()));
        rig.send(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(end)));
    }
    CHECK(rig.count(GLB_COUNT_IN_BAND) == 2);
}

TEST_CASE("in-band: replies beyond a target's rate are counted and do not affect other targets",
          "[in_band]") {
    Rig rig;
    const auto frame = from_target(0, probe());
    std::uint64_t sent = 0;
    while (rig.count(GLB_COUNT_EVENT_LOST) == 0) {
        REQUIRE(++sent < 100);
        REQUIRE(
            run_xdp(rig.roles.handles->program(), frame, {.ingress_ifindex = 1, .repeat = 1000}).verdict ==
            XDP_DROP);
    }
    CHECK(rig.count(GLB_COUNT_IN_BAND) == sent * 1000);
    CHECK(rig.send(from_target(1, probe())).code == XDP_DROP);
    const auto reported = events(rig);
    CHECK(reported.size() < 1000);
    CHECK(reported.size() + rig.count(GLB_COUNT_EVENT_LOST) == sent * 1000 + 1);
    CHECK(reported.back().address[0] == IpAddress::parse("10.0.1.21")->v4_network_order());
    CHECK(all_drops(rig) == 0);
}
