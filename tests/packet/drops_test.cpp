// Provokes every drop reason: in the loaded program or, for reasons that need a special driver, in its native
// build.
#include <catch2/catch.hpp>

#include <functional>
#include <map>
#include <memory>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>

#include <packet_tight.skel.h>

#include "tests/native/native_rig.h"
#include "tests/packet/rig.h"

using namespace glb;
using namespace glb::test;

namespace {

const Packet udp_request = IPv4{} / Udp{} / Payload{from_string("a request has 22 bytes")};

/// Sends `udp_request` and returns the frame that its target would return, modified by `corrupt`.
Bytes return_frame(Rig &rig, const std::function<void(Bytes &)> &corrupt, const Packet &inner = udp_request) {
    const auto out = rig.send(from_client(udp_request));
    REQUIRE(out.code == XDP_REDIRECT);
    const unsigned target = out.frame.at(5) == target2_mac.bytes[5];
    auto frame = returned(target, cookie_of(out.frame), entropy_of(out.frame), inner);
    corrupt(frame);
    return frame;
}

void unchanged(Bytes &) {}

constexpr std::size_t udp_at = outer_offset + 20;
constexpr std::size_t geneve_at = udp_at + 8;
constexpr std::size_t options_at = geneve_at + 8;
constexpr std::size_t inner_at = geneve_at + 40;

std::function<void(Bytes &)> set(std::size_t at, std::uint8_t value) {
    return [=](Bytes &frame) { frame.at(at) = value; };
}

/// Changes a byte, whatever its value.
std::function<void(Bytes &)> changed(std::size_t at) {
    return [=](Bytes &frame) { frame.at(at) ^= 0x5a; };
}

/// Sends a frame of 64 bytes through a program that leaves 24 bytes of headroom.
Outcome send_tight(Rig &rig, const Bytes &frame) {
    std::unique_ptr<packet_tight, void (*)(packet_tight *)> tight(packet_tight::open_and_load(),
                                                                  packet_tight::destroy);
    REQUIRE(tight);
    REQUIRE(frame.size() == 64);
    const std::uint32_t key = 0;
    const int subject = rig.roles.handles->program();
    REQUIRE(bpf_map_update_elem(bpf_map__fd(tight->maps.subject), &key, &subject, BPF_ANY) == 0);
    auto result = run_xdp(bpf_program__fd(tight->progs.packet_tight_prog), frame, {.ingress_ifindex = 1});
    return {result.verdict, std::move(result.bytes), std::move(result.metadata)};
}

using Provoke = std::function<Outcome(Rig &)>;

/// A case that is a single frame.
template <typename F>
Provoke frame(F make) {
    return [make](Rig &rig) { return rig.send(make(rig)); };
}

Provoke corrupted(std::function<void(Bytes &)> corrupt) {
    return [corrupt = std::move(corrupt)](Rig &rig) { return rig.send(return_frame(rig, corrupt)); };
}

Outcome without_targets(Rig &rig, glb_no_target_action action) {
    for (std::uint32_t index = 0; index < 2; ++index)
        REQUIRE(rig.roles.state.set_target_state(index, 0));
    REQUIRE(rig.roles.state.set_group_action(2, action));
    return rig.send(from_client(udp_request));
}

Bytes from_unknown_sender(Rig &rig) {
    return return_frame(rig, [](Bytes &bytes) {
        bytes.at(outer_offset + 15) = 99; // 10.0.1.99; the program does not verify the checksum
    });
}

/// A segment without ACK of a flow whose target resets established flows.
Outcome of_reset_flow(Rig &rig) {
    const auto segment = [](bool by_initiator, std::uint8_t flags) -> Packet {
        if (by_initiator)
            return IPv4{} / Tcp{.flags = flags};
        return IPv4{.src = "198.51.100.20", .dst = "192.0.2.10"} /
               Tcp{.sport = 80, .dport = 12345, .flags = flags};
    };
    for (const auto &inner :
         {segment(true, tcp::syn), segment(false, tcp::syn | tcp::ack), segment(true, tcp::ack)}) {
        const auto out = rig.send(from_client(inner));
        const unsigned target = out.frame.at(5) == target2_mac.bytes[5];
        rig.send(returned(target, cookie_of(out.frame), entropy_of(out.frame), inner));
    }
    for (std::uint32_t index = 0; index < 2; ++index)
        REQUIRE(rig.roles.state.set_target_state(index, GLB_TARGET_RESET));
    return rig.send(from_client(segment(true, tcp::fin)));
}

const std::map<glb_drop, Provoke> outbound_cases{
    {GLB_DROP_MARTIAN, frame([](Rig &) { return from_client(IPv4{.src = "10.0.1.10"} / Udp{}); })},
    {GLB_DROP_BAD_CHECKSUM, frame([](Rig &) { return from_client(IPv4{.checksum = 0x1234} / Udp{}); })},
    {GLB_DROP_NO_TUNNEL_ADDRESS, frame([](Rig &rig) {
         rig.reconfigure([](auto &config) { config.has_tunnel_address = false; });
         return from_client(udp_request);
     })},
    {GLB_DROP_FLOW_RESET, of_reset_flow},
    {GLB_DROP_MALFORMED, frame([](Rig &) { return from_client(IPv4{.total_length = 2000} / Udp{}); })},
    // The transport header is beyond the maximum offset.
    {GLB_DROP_SHORT_LINEAR, frame([](Rig &) {
         return from_client(IPv6{} / DestOptions{.data = Bytes(600)} / Udp{} / Payload{from_string("far")});
     })},
    {GLB_DROP_TOO_BIG, frame([](Rig &) { return from_client(IPv4{} / Udp{} / Payload{Bytes(1405)}); })},
    {GLB_DROP_NO_TARGET, [](Rig &rig) { return without_targets(rig, GLB_NO_TARGET_DROP); }},
    {GLB_DROP_NO_TARGET_YET, [](Rig &rig) { return without_targets(rig, GLB_NO_TARGET_PENDING); }},
    {GLB_DROP_NO_NEIGHBOUR, frame([](Rig &rig) {
         rig.reconfigure([](auto &config) {
             for (auto &target : config.targets)
                 target.path.reset();
         });
         return from_client(udp_request);
     })},
    {GLB_DROP_NO_HEADROOM, [](Rig &rig) { return send_tight(rig, from_client(udp_request)); }},
    // An endpoint whose group has no row.
    {GLB_DROP_NO_CONFIG, frame([](Rig &rig) {
         rig.reconfigure([](auto &config) { config.endpoints[0].group = 9; });
         return from_client(udp_request);
     })},
    {GLB_DROP_SOURCE_LIMIT, frame([](Rig &rig) {
         rig.reconfigure([](auto &config) { config.endpoints[0].new_flows_per_second = 1; });
         REQUIRE(rig.send(from_client(IPv4{} / Udp{.sport = 1})).code == XDP_REDIRECT);
         return from_client(udp_request);
     })},
    // A target behind an interface that is not in the devmap.
    {GLB_DROP_REDIRECT_FAILED, frame([](Rig &rig) {
         rig.reconfigure([](auto &config) {
             for (auto &target : config.targets)
                 target.path->ifindex = 4000;
         });
         return from_client(udp_request);
     })},
};

/// Needs the host stack, as there is no route, more often than the endpoint may.
Outcome beyond_punt_limit(Rig &rig) {
    const auto frame = return_frame(rig, unchanged);
    auto outcome = rig.send(frame);
    for (int i = 0; i < 100000 && outcome.code == XDP_PASS; ++i)
        outcome = rig.send(frame);
    return outcome;
}

const std::map<glb_drop, Provoke> return_cases{
    {GLB_DROP_PUNT_LIMITED, beyond_punt_limit},
    {GLB_DROP_UNKNOWN_SENDER, frame(from_unknown_sender)},
    {GLB_DROP_SENDER_MAC, corrupted(set(11, 0x99))},
    {GLB_DROP_OUTER_FRAGMENT, corrupted(set(outer_offset + 6, 0x20))},
    {GLB_DROP_OUTER_MALFORMED, corrupted([](Bytes &bytes) { set16(bytes, udp_at + 4, 15); })},
    {GLB_DROP_GENEVE_VERSION, corrupted(set(geneve_at, 0x4a))},
    {GLB_DROP_GENEVE_CONTROL, corrupted(set(geneve_at + 1, 0x80))},
    {GLB_DROP_GENEVE_OPTIONS, corrupted(set(options_at + 3, 31))},
    {GLB_DROP_GENEVE_CRITICAL, corrupted(set(options_at + 12 + 2, 0x99))},
    {GLB_DROP_GENEVE_MISSING, corrupted(set(options_at + 24 + 2, 0x55))},
    {GLB_DROP_GENEVE_PROTOCOL, corrupted([](Bytes &bytes) { set16(bytes, geneve_at + 2, 0x6558); })},
    {GLB_DROP_INNER_MALFORMED, corrupted([](Bytes &bytes) { set16(bytes, inner_at + 2, 1000); })},
    {GLB_DROP_UNKNOWN_ENDPOINT, corrupted(set(options_at + 4, 0x77))},
    {GLB_DROP_UNKNOWN_FLOW,
     frame([](Rig &rig) { return return_frame(rig, unchanged, IPv4{.src = "203.0.113.7"} / Udp{}); })},
    {GLB_DROP_APPLIANCE_OFFLOAD, frame([](Rig &rig) {
         rig.reconfigure([](auto &config) { config.endpoints[0].mtu = 49; });
         return return_frame(rig, unchanged);
     })},
    {GLB_DROP_WRONG_TARGET, frame([](Rig &rig) {
         const auto out = rig.send(from_client(udp_request));
         const unsigned owner = out.frame.at(5) == target2_mac.bytes[5];
         return returned(1 - owner, cookie_of(out.frame), entropy_of(out.frame), udp_request);
     })},
    {GLB_DROP_COOKIE_MISMATCH, frame([](Rig &rig) {
         rig.reconfigure([](auto &config) { config.groups[0].strict_cookie = true; });
         return return_frame(rig, changed(options_at + 24 + 7)); // the cookie's generation
     })},
};

/// A packet that has to be punted (there is no route), on a driver without XDP metadata.
int punt_without_metadata(NativeRig &rig) {
    const auto out = rig.send(from_client(udp_request));
    REQUIRE(out.code == XDP_REDIRECT);
    const unsigned target = out.frame.at(5) == target2_mac.bytes[5];
    const auto frame = returned(target, cookie_of(out.frame), entropy_of(out.frame), udp_request);
    return rig.send(frame, {.has_metadata = false}).code;
}

/// Reasons that BPF_PROG_TEST_RUN cannot provoke, since they need a driver unlike both it and veth.
const std::map<glb_drop, std::function<int(NativeRig &)>> native_cases{
    {GLB_DROP_PUNT_FAILED, punt_without_metadata},
};

std::string name_of(glb_drop reason) {
#define GLB_NAME(name, text, ...) text,
    static const char *const names[] = {GLB_DROP_REASONS(GLB_NAME)};
#undef GLB_NAME
    return names[reason];
}

/// `Any` is Rig or NativeRig.
template <typename Any, typename F>
void check_provoked(glb_drop reason, const F &provoke) {
    Any rig;
    CHECK(provoke(rig) == XDP_DROP);
    for (int other = 0; other < GLB_DROP_MAX; ++other) {
        INFO("counter " << name_of(static_cast<glb_drop>(other)));
        CHECK(rig.drops(static_cast<glb_drop>(other)) == (other == reason ? 1 : 0));
    }
}

} // namespace

TEST_CASE("drops: every reason occurs and is counted alone", "[drops]") {
    auto all = outbound_cases;
    all.insert(return_cases.begin(), return_cases.end());
    for (int number = 0; number < GLB_DROP_MAX; ++number) {
        const auto reason = static_cast<glb_drop>(number);
        INFO(name_of(reason));
        if (reason == GLB_DROP_HOST_FIREWALL)
            continue; // counted behind the program: tests/netns/life/host_firewall_test.cpp
        REQUIRE(all.count(reason) + native_cases.count(reason) == 1); // a new reason needs a case above
        if (native_cases.count(reason))
            check_provoked<NativeRig>(reason, native_cases.at(reason));
        else
            check_provoked<Rig>(reason, [&](Rig &rig) { return all.at(reason)(rig).code; });
    }
}

TEST_CASE("drops: without XDP metadata only punted packets are dropped", "[drops]") {
    NativeRig rig;
    rig.route_by(1);
    CHECK(punt_without_metadata(rig) == XDP_REDIRECT);
    const auto unrelated = (Eth{.dst = node_mac} / Arp{}).bytes();
    const auto passed = rig.send(unrelated, {.has_metadata = false});
    CHECK(passed.code == XDP_PASS);
    CHECK(difference(passed.frame, unrelated) == "");
    CHECK(rig.drops(GLB_DROP_PUNT_FAILED) == 0);
}

TEST_CASE("events: missing XDP metadata support is reported", "[drops]") {
    NativeRig rig;
    CHECK(punt_without_metadata(rig) == XDP_DROP);
    const auto &events = rig.kernel.events;
    REQUIRE(events.size() == 1);
    CHECK(events[0].kind == GLB_EVENT_NO_METADATA);
    CHECK(events[0].ifindex == 1);
}

TEST_CASE("events: one report per key and tick", "[drops]") {
    NativeRig rig;
    const auto one_tick = std::uint64_t{1} << GLB_TICK_SHIFT;
    for (std::size_t reported = 1; reported <= 3; ++reported, rig.kernel.now_ns += one_tick)
        for (int packet = 0; packet < 100; ++packet) {
            CHECK(punt_without_metadata(rig) == XDP_DROP);
            REQUIRE(rig.kernel.events.size() == reported);
        }
}

TEST_CASE("events: a sender's MAC mismatch is reported", "[drops]") {
    NativeRig rig;
    auto frame = returned(0, 0, 0xc000, IPv4{} / Udp{});
    frame[11] ^= 1;
    CHECK(rig.send(frame).code == XDP_DROP);
    REQUIRE(rig.kernel.events.size() == 1);
    const auto &event = rig.kernel.events[0];
    CHECK(event.kind == GLB_EVENT_SENDER_MAC);
    CHECK(event.address[0] == IpAddress::parse("10.0.1.20")->v4_network_order());
    CHECK(std::memcmp(&event.address[1], &frame[6], 6) == 0);
}
