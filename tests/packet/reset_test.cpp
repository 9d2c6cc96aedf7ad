// Flows whose target is gone under `reset`: what each segment of them becomes, byte by byte, and what is
// counted.
#include <array>
#include <thread>

#include <linux/bpf.h>

#include "tests/harness/skip.h"
#include "tests/packet/connection.h"

using namespace glb;
using namespace glb::test;

namespace {

constexpr auto fin = tcp::fin, syn = tcp::syn, rst = tcp::rst, ack = tcp::ack, psh = tcp::psh;
const Payload data{from_string("what nobody has inspected")};

struct Counts {
    std::uint64_t flows, answered, sent_on, dropped;
    bool operator==(const Counts &) const = default;
};
std::ostream &operator<<(std::ostream &out, const Counts &c) {
    return out << c.flows << " reset, " << c.answered << " answered, " << c.sent_on << " sent on, "
               << c.dropped << " dropped";
}
Counts counts(const World &world) {
    return {world.rig.count(GLB_COUNT_RESET), world.rig.count(GLB_COUNT_RESET_ANSWERED),
            world.rig.count(GLB_COUNT_RESET_SENT_ON), world.rig.drops(GLB_DROP_FLOW_RESET)};
}

struct Fixture : ResetWorld {
    explicit Fixture(bool ipv6) : connection(*this, ipv6) {
        connection.establish();
        connection.condemn();
    }
    Connection connection;
};

} // namespace

TEST_CASE("a bare ACK is answered to its sender by a RST with its own number", "[reset]") {
    need_root();
    const bool ipv6 = GENERATE(false, true), by_opener = GENERATE(true, false);
    Fixture world(ipv6);
    auto &flow = world.connection;
    const auto answer = [&](const Packet &tags = {}) {
        return flow.answer(by_opener, flow.made(!by_opener, rst, 0xfffffff0), tags);
    };
    const auto segment = flow.segment(by_opener, ack, 7000, 0xfffffff0);
    SECTION("untagged") {
        const auto outcome = flow.send(segment);
        CHECK(outcome.code == XDP_REDIRECT);
        CHECK_THAT(outcome.frame, equals(answer()));
    }
    SECTION("tags stay as they came") {
        for (const auto &tags :
             {Packet(Vlan{100}), Packet(Vlan{0}), Vlan{.id = 300, .tpid = 0x88a8} / Vlan{200}})
            CHECK_THAT(flow.send(segment, tags).frame, equals(answer(tags)));
        CHECK(counts(world) == Counts{1, 3, 0, 0});
        return;
    }
    SECTION("TCP options and Ethernet padding are not answered") {
        auto header = flow.tcp(by_opener, ack, 7000, 0xfffffff0);
        header.options = from_hex("0101080a 00000001 00000002");
        CHECK_THAT(world.rig.send(padded_to(Connection::frame(flow.ip(by_opener) / header), 120)).frame,
                   equals(answer()));
    }
    CHECK(counts(world) == Counts{1, 1, 0, 0});
}

TEST_CASE("neither IP options nor extension headers are answered", "[reset]") {
    need_root();
    SECTION("IPv4: record route") {
        Fixture world(false);
        auto &flow = world.connection;
        const IPv4 ip{
            .src = "198.51.100.20", .dst = "198.51.100.30", .options = from_hex("07070400 00000000")};
        CHECK_THAT(flow.send(ip / flow.tcp(true, ack, 1, 2)).frame,
                   equals(flow.answer(true, flow.made(false, rst, 2))));
    }
    SECTION("IPv6: hop-by-hop and destination options") {
        Fixture world(true);
        auto &flow = world.connection;
        const Packet inner =
            flow.ip(true) / HopByHop{} / DestOptions{.data = Bytes(20)} / flow.tcp(true, ack, 1, 2);
        CHECK_THAT(flow.send(inner).frame, equals(flow.answer(true, flow.made(false, rst, 2))));
    }
}

TEST_CASE("who sends data is asked for its highest number, and its answer becomes the RST to the far end",
          "[reset]") {
    need_root();
    const bool ipv6 = GENERATE(false, true), by_opener = GENERATE(true, false);
    const auto flags = static_cast<std::uint8_t>(GENERATE(psh | ack, fin | ack, syn | ack));
    CAPTURE(ipv6, by_opener, int{flags});
    Fixture world(ipv6);
    auto &flow = world.connection;
    const auto first = flow.ip(by_opener) / flow.tcp(by_opener, flags, 1000, 5000);
    const auto asked = flow.send(flags & psh ? first / data : first);
    CHECK(asked.code == XDP_REDIRECT);
    CHECK_THAT(asked.frame, equals(flow.answer(by_opener, flow.made(!by_opener, ack, 4999, 1000, 65535))));
    CHECK(counts(world) == Counts{1, 1, 0, 0});

    const auto told = flow.send(flow.segment(by_opener, ack, 9000, 5000), Vlan{100});
    CHECK(told.code == XDP_REDIRECT);
    CHECK_THAT(told.frame, equals(flow.onward(by_opener, flow.ip(by_opener, 63) /
                                                             flow.made(by_opener, rst | ack, 9000, 5000))));
    CHECK(counts(world) == Counts{1, 1, 1, 0});

    // Data again, and the far end's challenge ACK: each is answered with the number that it expects.
    CHECK_THAT(flow.send(first / data).frame,
               equals(flow.answer(by_opener, flow.made(!by_opener, rst, 5000))));
    CHECK_THAT(flow.send(flow.segment(!by_opener, ack, 5000, 8000)).frame,
               equals(flow.answer(!by_opener, flow.made(by_opener, rst, 8000))));
    CHECK(counts(world) == Counts{1, 3, 1, 0});
    CHECK(world.rig.count(GLB_COUNT_FORWARDED) == 3); // of the handshake
}

TEST_CASE("the RST to the far end keeps what routers read, and loses options and data", "[reset]") {
    need_root();
    SECTION("IPv4 options, TOS, identification") {
        Fixture world(false);
        auto &flow = world.connection;
        const auto outer = [](std::uint8_t ttl) {
            return IPv4{.src = "198.51.100.30",
                        .dst = "198.51.100.20",
                        .ttl = ttl,
                        .tos = 0x48,
                        .id = 77,
                        .options = from_hex("01010101")};
        };
        auto header = flow.tcp(false, psh | ack | tcp::urg, 1000, 5000);
        header.options = from_hex("0101080a 00000001 00000002");
        flow.send(outer(9) / header / data);
        CHECK_THAT(flow.send(outer(9) / header / data).frame, // no answer to the question: its own number
                   equals(flow.onward(false, outer(8) / flow.made(false, rst | ack, 1000, 5000))));
    }
    SECTION("IPv6 extension headers") {
        Fixture world(true);
        auto &flow = world.connection;
        const auto outer = [&](std::uint8_t hops) {
            return flow.ip(true, hops) / DestOptions{.data = Bytes(10)};
        };
        flow.send(outer(64) / flow.tcp(true, ack, 1000, 5000) / data);
        CHECK_THAT(flow.send(outer(64) / flow.tcp(true, ack, 1025, 5000) / data).frame,
                   equals(flow.onward(true, outer(63) / flow.made(true, rst | ack, 1025, 5000))));
    }
    SECTION("behind a SYN the next number is expected") {
        Fixture world(false);
        auto &flow = world.connection;
        for (int i = 0; i < 2; ++i) {
            const auto outcome = flow.send(flow.segment(false, syn | ack, 0xffffffff, 5000));
            if (i == 1)
                CHECK_THAT(
                    outcome.frame,
                    equals(flow.onward(false, flow.ip(false, 63) / flow.made(false, rst | ack, 0, 5000))));
        }
    }
    SECTION("the last hop is the kernel's affair") {
        Fixture world(false);
        auto &flow = world.connection;
        const auto outcome = flow.send(flow.ip(true, 1) / flow.tcp(true, rst, 1000));
        CHECK(outcome.code == XDP_PASS);
        CHECK_THAT(outcome.metadata, equals(from_hex("ed5eed5e 03000000")));
        CHECK(counts(world) == Counts{1, 0, 1, 0});
        CHECK(world.rig.count(GLB_COUNT_PUNTED) == 0);
    }
}

TEST_CASE("a RST is never answered: the first one goes on, later ones go nowhere", "[reset]") {
    need_root();
    const bool ipv6 = GENERATE(false, true);
    Fixture world(ipv6);
    auto &flow = world.connection;
    const auto first = flow.send(flow.segment(true, rst, 1000));
    CHECK_THAT(first.frame, equals(flow.onward(true, flow.ip(true, 63) / flow.made(true, rst, 1000))));
    CHECK(counts(world) == Counts{1, 0, 1, 0});
    CHECK(flow.send(flow.segment(false, rst | ack, 5, 6)).code == XDP_DROP);
    CHECK(flow.send(flow.segment(true, fin, 1000)).code == XDP_DROP); // no ACK: nothing to answer by
    CHECK(counts(world) == Counts{1, 0, 1, 2});
    CHECK(flow.send(flow.segment(false, ack, 5, 6)).code == XDP_REDIRECT);
    CHECK(counts(world) == Counts{1, 1, 1, 2});
}

TEST_CASE("an ICMP error resets nothing, and is dropped", "[reset]") {
    need_root();
    Fixture world(false);
    auto &flow = world.connection;
    const Packet error = IPv4{.src = "203.0.113.254", .dst = "198.51.100.20"} / icmp_unreachable(13) /
                         flow.segment(true, ack, 1, 2);
    CHECK(flow.send(error).code == XDP_DROP);
    CHECK(counts(world) == Counts{0, 0, 0, 1});
    flow.send(flow.segment(true, ack, 1, 2));
    CHECK(flow.send(error).code == XDP_DROP);
    CHECK(counts(world) == Counts{1, 1, 0, 2});
}

TEST_CASE("a SYN begins a new flow where the old one was reset", "[reset]") {
    need_root();
    const bool touched = GENERATE(true, false);
    Fixture world(false);
    auto &flow = world.connection;
    if (touched)
        flow.send(flow.segment(true, ack, 1, 2));
    const auto reset = counts(world);
    const auto old_target = flow.target;
    flow.establish();
    CHECK(flow.target == 1 - old_target);
    CHECK(world.rig.count(GLB_COUNT_FLOW_NEW) == 2);
    CHECK(world.walk(flow.segment(false, psh | ack, 1, 2) / data).code == XDP_REDIRECT);
    CHECK(counts(world) == reset);
}

TEST_CASE("what the target still returns of a reset flow is dropped, and changes nothing", "[reset]") {
    need_root();
    ResetWorld world;
    Connection flow(world, false);
    flow.establish();
    const auto inner = flow.segment(false, ack, 1, 2) / data;
    const auto out = flow.send(inner);
    const auto late = returned(flow.target, cookie_of(out.frame), entropy_of(out.frame), inner);
    flow.condemn();
    CHECK(world.rig.send(late).code == XDP_REDIRECT); // nothing was reset yet
    flow.send(flow.segment(true, ack, 1, 2));
    CHECK(world.rig.send(late).code == XDP_DROP);
    CHECK(counts(world) == Counts{1, 1, 0, 1});
    // Nor does the target's return change it.
    REQUIRE(world.rig.program.set_target_state(flow.target, sample_word));
    CHECK_THAT(flow.send(flow.segment(true, ack, 1, 3)).frame,
               equals(flow.answer(true, flow.made(false, rst, 3))));
    CHECK(world.rig.send(late).code == XDP_DROP);
}

TEST_CASE("established TCP alone is reset, and only where its target does not keep it", "[reset]") {
    need_root();
    ResetWorld world;
    Connection flow(world, false);
    const auto goes_to = [&](const Packet &inner) -> unsigned {
        const auto out = flow.send(inner);
        REQUIRE(out.code == XDP_REDIRECT);
        return out.frame.at(5) == target2_mac.bytes[5];
    };
    SECTION("kept") {
        flow.establish();
        REQUIRE(
            world.rig.program.set_target_state(flow.target, GLB_TARGET_RESET | GLB_TARGET_KEEP_ESTABLISHED));
        CHECK(goes_to(flow.segment(true, ack, 1, 2)) == flow.target);
    }
    SECTION("another protocol's flow") {
        const Packet there = flow.ip(true) / Udp{}, again = flow.ip(false) / Udp{.sport = 53, .dport = 12345};
        flow.target = goes_to(there);
        for (const auto &inner : {there, again})
            REQUIRE(world.walk(inner).code == XDP_REDIRECT);
        flow.condemn();
        CHECK(goes_to(there) == 1 - flow.target);
        CHECK(world.rig.count(GLB_COUNT_FLOW_RESTEERED) == 1);
    }
    SECTION("unconfirmed TCP") {
        flow.target = goes_to(flow.segment(true, syn));
        flow.condemn();
        CHECK(goes_to(flow.segment(true, ack, 1, 2)) == 1 - flow.target);
        CHECK(world.rig.count(GLB_COUNT_FLOW_RESTEERED) == 1);
    }
    CHECK(counts(world) == Counts{0, 0, 0, 0});
}

TEST_CASE("two CPUs reset each flow once", "[reset][hammer]") {
    need_root();
    ResetWorld world;
    constexpr std::uint16_t flow_number = 500;
    std::array<std::vector<Bytes>, 2> frames; // of the two ends
    for (std::uint16_t n = 0; n < flow_number; ++n) {
        Connection flow(world, false, static_cast<std::uint16_t>(20000 + n));
        flow.establish();
        for (const bool by_opener : {true, false})
            frames[by_opener].push_back(
                Connection::frame(flow.segment(by_opener, psh | ack, 1000, 5000) / data));
    }
    for (const unsigned target : {0u, 1u})
        REQUIRE(world.rig.program.set_target_state(target, GLB_TARGET_RESET));
    const bool one_end = GENERATE(true, false);
    std::array<std::thread, 2> threads;
    for (unsigned i = 0; i < 2; ++i)
        threads[i] = std::thread([&, i] {
            const Inside inside(world.ns);
            for (const auto &frame : frames[one_end ? 0 : i])
                (void)run_xdp(world.rig.program.fd(), frame, {.ingress_ifindex = 1, .most_out = 512});
        });
    for (auto &thread : threads)
        thread.join();
    // The first one is asked. The second packet of the same end becomes the RST; one of the other end is
    // answered.
    CHECK(counts(world) == (one_end ? Counts{flow_number, flow_number, flow_number, 0}
                                    : Counts{flow_number, 2 * flow_number, 0, 0}));
}
