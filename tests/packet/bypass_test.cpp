// Packets that are forwarded uninspected, by an operator's override or by the group's policy.

#include <bpf/bpf.h>
#include <linux/bpf.h>

#include "controller/plan/maglev_generations.h"
#include "tests/harness/skip.h"
#include "tests/packet/connection.h"

using namespace glb;
using namespace glb::test;

namespace {

constexpr std::uint32_t group = 2; // of the sample

struct BypassWorld : ResetRig {
    void word(std::uint64_t value) const {
        const std::uint32_t key = sample_endpoint;
        REQUIRE(bpf_map_update_elem(rig.roles.handles->map(datapath::Map::endpoint_override), &key, &value,
                                    BPF_ANY) == 0);
    }
    void without_targets(glb_no_target_action action) {
        for (const unsigned target : {0u, 1u})
            REQUIRE(rig.roles.state.set_target_state(target, 0));
        REQUIRE(rig.roles.state.set_group_action(group, action));
    }
    Outcome send(const Packet &inner, const Packet &tags = {}) {
        return rig.send(Connection::frame(inner, tags));
    }
    bool is_inspected(const Packet &inner) {
        const auto before = rig.count(GLB_COUNT_ENCAPSULATED);
        return send(inner).code == XDP_REDIRECT && rig.count(GLB_COUNT_ENCAPSULATED) == before + 1;
    }
};

/// Both ways to bypass.
void bypass(BypassWorld &routed, bool by_word) {
    if (by_word)
        routed.word(GLB_ENDPOINT_BYPASS);
    else
        routed.without_targets(GLB_NO_TARGET_BYPASS);
}

} // namespace

TEST_CASE("bypass: packet is routed and counted as bypassed", "[bypass]") {
    need_root();
    const bool by_word = GENERATE(true, false);
    BypassWorld routed;
    bypass(routed, by_word);
    std::uint64_t packets = 0, bytes = 0;
    const auto check = [&](const Packet &inner, const Packet &after, const Packet &tags = {}) {
        const auto outcome = routed.send(inner, tags);
        CHECK(outcome.code == XDP_REDIRECT);
        CHECK_THAT(outcome.frame, equals(Eth{.dst = lan_gateway, .src = lan_mac} / after));
        ++packets;
        bytes += inner.bytes().size();
    };
    const Packet rest = Udp{} / Payload{from_string("as it is")};
    const IPv4 options{.ttl = 2, .tos = 0xb8, .id = 9, .df = true, .options = from_hex("01010101")};
    auto options_after = options;
    options_after.ttl = 1;
    check(options / rest, options_after / rest);
    check(IPv6{.traffic_class = 3} / HopByHop{} / rest,
          IPv6{.hop_limit = 63, .traffic_class = 3} / HopByHop{} / rest);
    check(IPv4{} / Tcp{.flags = tcp::syn}, IPv4{.ttl = 63} / Tcp{.flags = tcp::syn});
    check(IPv4{} / icmp_echo(1, 2), IPv4{.ttl = 63} / icmp_echo(1, 2), Vlan{100});
    check(IPv4{} / rest, IPv4{.ttl = 63} / rest, Vlan{.id = 300, .tpid = 0x88a8} / Vlan{200});
    check(IPv4{.more_fragments = true} / rest, IPv4{.ttl = 63, .more_fragments = true} / rest);
    check(IPv4{} / Udp{} / Payload{Bytes(1472)},
          IPv4{.ttl = 63} / Udp{} / Payload{Bytes(1472)}); // exceeds the tunnel MTU

    const auto count = routed.rig.roles.counters.endpoint_count(sample_endpoint).value();
    CHECK(routed.rig.count(GLB_COUNT_BYPASSED) == packets);
    CHECK(count.in.packets == packets);
    CHECK(count.forwarded.packets == packets);
    CHECK(count.forwarded.bytes == bytes);
    for (const auto counter :
         {GLB_COUNT_FORWARDED, GLB_COUNT_ENCAPSULATED, GLB_COUNT_FLOW_NEW, GLB_COUNT_FLOW_MIDSTREAM})
        CHECK(routed.rig.count(counter) == 0);

    // Ethernet padding is not part of the packet.
    const auto padded = routed.rig.send(padded_to(Connection::frame(IPv4{} / rest), 120));
    CHECK_THAT(padded.frame, equals(Eth{.dst = lan_gateway, .src = lan_mac} / IPv4{.ttl = 63} / rest));
}

TEST_CASE("bypass: packet uses the endpoint's route table and its own port as ingress", "[bypass]") {
    need_root();
    BypassWorld routed;
    routed.word(GLB_ENDPOINT_BYPASS);
    routed.ns.must({"ip", "route", "add", "198.51.100.0/24", "via", "203.0.113.99", "table", "100"});
    SECTION("its route table") {
        routed.rig.reconfigure([](auto &config) { config.endpoints[0].route_table = 100; });
    }
    SECTION("rules that name its interface") {
        routed.device("cli0", "02:00:00:00:dd:01", "192.0.3.1/24");
        routed.rig.reconfigure(
            [&](auto &config) { config.ports[0].fib_ifindex = routed.ns.ifindex("cli0"); });
        routed.ns.must({"ip", "rule", "add", "iif", "cli0", "lookup", "100"});
    }
    CHECK_THAT(routed.send(IPv4{} / Udp{}).frame,
               equals(Eth{.dst = wan_gateway, .src = wan_mac} / IPv4{.ttl = 63} / Udp{}));
}

TEST_CASE("bypass: packet that needs the host stack is punted with the endpoint's metadata",
          "[bypass][punt]") {
    need_root();
    BypassWorld routed;
    bypass(routed, GENERATE(true, false));
    const Packet inner =
        GENERATE(Packet(IPv4{.ttl = 1} / Udp{}), Packet(IPv6{.hop_limit = 1} / Udp{}),
                 Packet(IPv4{.dst = "100.64.0.1"} / Udp{}), Packet(IPv4{} / Udp{} / Payload{Bytes(1473)}));
    const auto outcome = routed.send(inner, Vlan{100});
    CHECK(outcome.code == XDP_PASS);
    CHECK_THAT(outcome.metadata, equals(from_hex("ed5eed5e 03000000")));
    CHECK_THAT(truncated(outcome.frame, 6), equals(Bytes(punt_mac.bytes.begin(), punt_mac.bytes.end())));
    CHECK_THAT(Bytes(outcome.frame.begin() + 14, outcome.frame.end()), equals(inner.bytes()));
    CHECK(routed.rig.count(GLB_COUNT_BYPASSED) == 1);
    CHECK(routed.rig.count(GLB_COUNT_PUNTED) == 0);
    CHECK(routed.rig.roles.counters.endpoint_count(sample_endpoint).value().forwarded.packets == 1);
}

TEST_CASE("bypass: operator's bypass ends at its tick", "[bypass]") {
    need_root();
    BypassWorld routed;
    const auto until = [&](std::uint32_t tick) { routed.word(GLB_ENDPOINT_BYPASS_UNTIL | tick); };
    until(plan::tick_now() + 1000);
    CHECK_FALSE(routed.is_inspected(to_lan));
    until(plan::tick_now() - 1000);
    CHECK(routed.is_inspected(to_lan));
    until(plan::tick_now() + 0x7fff0000u); // ticks wrap: in the future
    CHECK_FALSE(routed.is_inspected(to_lan));
    until(plan::tick_now() + 0x80010000u); // in the past
    CHECK(routed.is_inspected(to_lan));
    routed.word(0xffffffffu); // a tick without a flag is ignored
    CHECK(routed.is_inspected(to_lan));
}

TEST_CASE("bypass: operator's bypass precedes steering and does not change the flow", "[bypass]") {
    need_root();
    BypassWorld routed;
    const auto out = routed.send(to_lan);
    REQUIRE(out.code == XDP_REDIRECT);
    routed.word(GLB_ENDPOINT_BYPASS);
    CHECK_FALSE(routed.is_inspected(to_lan));
    CHECK(routed.rig.count(GLB_COUNT_FLOW_NEW) == 1);
    // A packet that is at the target now is returned and forwarded as usual.
    const unsigned target = out.frame.at(5) == target2_mac.bytes[5];
    CHECK(routed.rig.send(returned(target, cookie_of(out.frame), entropy_of(out.frame), to_lan)).code ==
          XDP_REDIRECT);
    CHECK(routed.rig.count(GLB_COUNT_FORWARDED) == 1);
    CHECK(routed.rig.count(GLB_COUNT_BYPASSED) == 1);
    routed.word(0);
    CHECK(routed.is_inspected(to_lan));
    CHECK(routed.rig.count(GLB_COUNT_FLOW_NEW) == 1);
}

TEST_CASE("bypass: group policy applies only to packets that no target accepts", "[bypass]") {
    need_root();
    BypassWorld routed;
    REQUIRE(routed.rig.roles.state.set_group_action(group, GLB_NO_TARGET_BYPASS));
    CHECK(routed.is_inspected(to_lan));
    routed.without_targets(GLB_NO_TARGET_BYPASS);
    CHECK_FALSE(routed.is_inspected(to_lan));
    CHECK(routed.rig.count(GLB_COUNT_BYPASSED) == 1);
    REQUIRE(routed.rig.roles.state.set_group_action(group, GLB_NO_TARGET_DROP));
    CHECK(routed.send(to_lan).code == XDP_DROP);
    CHECK(routed.rig.drops(GLB_DROP_NO_TARGET) == 1);
}
