// A half-open target accepts a fixed share of its new flows, selected by their hash, and all packets of an
// untracked flow it has accepted.
#include <catch2/catch.hpp>

#include <linux/bpf.h>

#include <fmt/format.h>

#include "lib/hash.h"
#include "tests/harness/skip.h"
#include "tests/packet/rig.h"

using namespace glb;
using namespace glb::test;

namespace {

constexpr std::uint32_t flow_number = 6000;

/// Client address and port of flow `i`.
Packet client(std::uint32_t i, bool six, Packet transport) {
    const auto low = fmt::format("{}", i & 255), middle = fmt::format("{}", i >> 8 & 255);
    if (six)
        return IPv6{.src = Ip6(fmt::format("2001:db8:1::{:x}", i + 1).c_str()), .dst = "2001:db8:2::2"} /
               transport;
    return IPv4{.src = Ip4(("10.20." + middle + "." + low).c_str()), .dst = "198.51.100.20"} / transport;
}

Outcome out(Rig &rig, const Packet &inner) {
    return rig.send(from_client(inner));
}

bool to_second(const Outcome &outcome) {
    return outcome.frame.at(5) == target2_mac.bytes[5];
}

void set_states(Rig &rig, std::uint64_t first, std::uint64_t second) {
    REQUIRE(rig.roles.state.set_target_state(0, first));
    REQUIRE(rig.roles.state.set_target_state(1, second));
}

constexpr std::uint64_t is_half_open =
    GLB_TARGET_KEEP_ESTABLISHED | GLB_TARGET_KEEP_EMBRYONIC | GLB_TARGET_HALF_OPEN;

} // namespace

TEST_CASE("half-open: the share of hashes is one in a hundred", "[half_open]") {
    std::uint64_t state = 1, accepted = 0;
    constexpr std::uint64_t hashes = 1'000'000;
    for (std::uint64_t i = 0; i < hashes; ++i)
        accepted += glb_hash_is_half_open(glb_hash_finish(state += 0x9e3779b97f4a7c15ull)) != 0;
    CHECK(accepted > hashes / GLB_HALF_OPEN_SHARE * 95 / 100);
    CHECK(accepted < hashes / GLB_HALF_OPEN_SHARE * 105 / 100);
}

TEST_CASE("half-open: target gets one in a hundred of its new flows, live targets the others",
          "[half_open]") {
    need_root();
    Rig rig;
    const bool six = GENERATE(false, true);
    set_states(rig, sample_target_state, is_half_open);
    std::uint64_t second = 0, sent = 0;
    for (std::uint32_t i = 0; i < flow_number; ++i) {
        const auto outcome =
            out(rig, client(i, six, Udp{.sport = static_cast<std::uint16_t>(1000 + i), .dport = 53}));
        sent += outcome.code == XDP_REDIRECT;
        second += to_second(outcome);
    }
    CHECK(sent == flow_number);
    // It owns half of the slots. Further picks may select it again, so it gets at most twice its share.
    CHECK(second > flow_number / 2 / GLB_HALF_OPEN_SHARE / 2);
    CHECK(second < flow_number / GLB_HALF_OPEN_SHARE * 3 / 2);
    const auto counted = rig.count(GLB_COUNT_HALF_OPEN_FLOW);
    CHECK(counted > second / 2); // flows that do not fit into this small table are not counted
    CHECK(counted <= second);
}

TEST_CASE("half-open: a flow stays at its target and is counted once", "[half_open]") {
    need_root();
    Rig rig;
    set_states(rig, sample_target_state, is_half_open);
    std::uint32_t i = 0;
    Outcome first;
    Packet packet;
    do {
        packet = client(++i, false, Tcp{.sport = 4000, .dport = 80, .flags = tcp::syn});
        first = out(rig, packet);
    } while (!to_second(first));
    CHECK(rig.count(GLB_COUNT_HALF_OPEN_FLOW) == 1);
    for (int again = 0; again < 3; ++again)
        CHECK(to_second(out(rig, packet)));
    CHECK(rig.send(returned(1, cookie_of(first.frame), entropy_of(first.frame), packet)).code == XDP_PASS);
    CHECK(rig.count(GLB_COUNT_HALF_OPEN_FLOW) == 1);
}

TEST_CASE("half-open: returned packets of untracked flows are accepted", "[half_open]") {
    need_root();
    Rig rig;
    set_states(rig, sample_target_state, is_half_open);
    std::uint32_t second = 0;
    for (std::uint32_t i = 0; i < 1000; ++i) {
        const auto fragment = client(i, true, Fragment6{.offset = 100} / Payload{Bytes(64)});
        const auto outcome = out(rig, fragment);
        REQUIRE(outcome.code == XDP_REDIRECT);
        const bool there = to_second(outcome);
        second += there;
        CHECK(rig.send(returned(there, cookie_of(outcome.frame), entropy_of(outcome.frame), fragment)).code ==
              XDP_PASS);
    }
    CHECK(second > 0);
    CHECK(rig.count(GLB_COUNT_FRAGMENT_EARLY) == 1000);
    CHECK(rig.count(GLB_COUNT_HALF_OPEN_FLOW) == 0); // only flows with an entry are counted
}

TEST_CASE("half-open: a target in the fallback list gets its share", "[half_open]") {
    need_root();
    Rig rig;
    set_states(rig, 0, is_half_open);
    const std::vector<std::uint16_t> list(GLB_FALLBACK_SLOTS, 1);
    REQUIRE(rig.roles.config.put_maglev(5, std::vector<std::uint16_t>(GLB_MAGLEV_SLOTS, 0)));
    REQUIRE(rig.roles.state.set_fallback(2, list));
    std::uint32_t accepted = 0;
    for (std::uint32_t i = 0; i < 2000; ++i)
        accepted += out(rig, client(i, false, Udp{.sport = 9, .dport = 9})).code == XDP_REDIRECT;
    CHECK(accepted > 5);
    CHECK(accepted < 60);
    CHECK(rig.count(GLB_COUNT_STEERED_FALLBACK) == accepted);
    CHECK(rig.drops(GLB_DROP_NO_TARGET) == 2000 - accepted);
}
