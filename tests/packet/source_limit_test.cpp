// newFlowsPerSourcePerSecond.
#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <thread>

#include <fmt/format.h>
#include <linux/bpf.h>

#include "tests/harness/skip.h"
#include "tests/native/two_legs.h"
#include "tests/packet/rig.h"

using namespace glb;
using namespace glb::test;

namespace {

constexpr std::uint64_t second = 1'000'000'000;

Packet syn(const char *source, std::uint16_t port, std::uint8_t flags = tcp::syn) {
    return IPv4{.src = source, .dst = "198.51.100.20"} / Tcp{.sport = port, .dport = 443, .flags = flags};
}

/// The natively built data path with a limit, on a simulated clock.
struct Limited : TwoLegs {
    explicit Limited(std::uint32_t rate) {
        kernel.rows<glb_endpoint>("glb_endpoints")[sample_endpoint].new_flows_per_second = rate;
    }
    bool passes(const Packet &inner) { return send(from_client(inner)).code == XDP_REDIRECT; }
    /// Sends `tries` SYNs of `source`, each of another flow. Returns how many are admitted.
    std::uint32_t admit(const char *source, std::uint32_t tries) {
        std::uint32_t admitted = 0;
        for (std::uint32_t i = 0; i < tries; ++i)
            admitted += passes(syn(source, static_cast<std::uint16_t>(++port_)));
        return admitted;
    }

  private:
    std::uint32_t port_ = 1000;
};

} // namespace

TEST_CASE("source limit: burst of one second, then the configured rate", "[source_limit]") {
    Limited rig(20);
    CHECK(rig.admit("192.0.2.10", 50) == 20);
    CHECK(rig.drops(GLB_DROP_SOURCE_LIMIT) == 30);
    CHECK(rig.count(GLB_COUNT_FLOW_NEW) == 20);
    rig.kernel.now_ns += second / 2;
    const auto half = rig.admit("192.0.2.10", 50);
    CHECK(half >= 8); // ticks of 67 ms
    CHECK(half <= 11);
    rig.kernel.now_ns += 10 * second;
    CHECK(rig.admit("192.0.2.10", 50) == 20); // at most a second's worth
}

TEST_CASE("source limit: mean rate is the configured one", "[source_limit]") {
    const std::uint32_t rate = GENERATE(1u, 7u, 1000u);
    Limited rig(rate);
    std::uint64_t admitted = 0;
    const std::uint32_t tries = rate / 10 + 2; // every 50 ms: at least twice the rate
    for (int step = 0; step < 200; ++step) {
        admitted += rig.admit("192.0.2.10", tries);
        rig.kernel.now_ns += second / 20;
    }
    CHECK(static_cast<double>(admitted) >= rate * 10.0 * 0.97);
    CHECK(static_cast<double>(admitted) <= rate * 11.0 * 1.03 + 1); // ten seconds' worth, and a full bucket
}

TEST_CASE("source limit: holds on a CPU whose clock is a tick behind", "[source_limit]") {
    Limited rig(20);
    CHECK(rig.admit("192.0.2.10", 50) == 20);
    rig.kernel.now_ns -= std::uint64_t{1} << GLB_TICK_SHIFT;
    CHECK(rig.admit("192.0.2.10", 50) == 0);
}

TEST_CASE("source limit: applies per source and endpoint", "[source_limit]") {
    Limited rig(3);
    CHECK(rig.admit("192.0.2.10", 5) == 3);
    CHECK(rig.admit("192.0.2.11", 5) == 3);
    CHECK(rig.admit("203.0.113.10", 5) == 3);
    // A limited source that is the far end of a flow is not its initiator.
    CHECK(rig.passes(IPv4{.src = "198.51.100.77", .dst = "192.0.2.10"} / Tcp{.flags = tcp::syn}));

    const auto six = [&](const char *source) {
        std::uint32_t admitted = 0;
        for (std::uint16_t port = 1; port <= 5; ++port)
            admitted += rig.passes(IPv6{.src = source, .dst = "2001:db8:ff::1"} /
                                   Tcp{.sport = port, .flags = tcp::syn});
        return admitted;
    };
    CHECK(six("2001:db8:1:1::1") == 3);
    CHECK(six("2001:db8:1:1:ffff::2") == 0); // the same /64
    CHECK(six("2001:db8:1:2::1") == 3);
}

TEST_CASE("source limit: applies only to packets that start a flow", "[source_limit]") {
    Limited rig(1);
    REQUIRE(rig.passes(syn("192.0.2.10", 1000)));
    REQUIRE_FALSE(rig.passes(syn("192.0.2.10", 1001)));
    SECTION("a retransmitted SYN, and the packets after it") {
        CHECK(rig.passes(syn("192.0.2.10", 1000)));
        CHECK(rig.passes(syn("192.0.2.10", 1000, tcp::ack)));
    }
    SECTION("midstream packets") {
        CHECK(rig.passes(syn("192.0.2.10", 4000, tcp::ack)));
    }
    SECTION("fragments and ICMP errors") {
        CHECK(rig.passes(IPv4{.src = "192.0.2.10", .fragment_offset = 100, .ip_proto = 17} /
                         Payload{Bytes(64)}));
        CHECK(rig.passes(IPv4{.src = "192.0.2.10"} / icmp_unreachable(13) / syn("198.51.100.20", 9)));
    }
    SECTION("an ICMP error that quotes a flow does not start it") {
        CHECK(rig.passes(IPv4{.src = "192.0.2.10"} / icmp_unreachable(13) / IPv4{.src = "192.0.2.10"} /
                         Udp{.sport = 9}));
        CHECK_FALSE(rig.passes(IPv4{.src = "192.0.2.10"} / Udp{.sport = 9}));
    }
    SECTION("other protocols: only the first packet of a flow") {
        CHECK_FALSE(rig.passes(IPv4{.src = "192.0.2.10"} / Udp{.sport = 9}));
        CHECK_FALSE(rig.passes(IPv4{.src = "192.0.2.10"} / icmp_echo(1, 1)));
        rig.kernel.now_ns += 2 * second;
        CHECK(rig.passes(IPv4{.src = "192.0.2.10"} / Udp{.sport = 9}));
        CHECK(rig.passes(IPv4{.src = "192.0.2.10"} / Udp{.sport = 9}));
        CHECK_FALSE(rig.passes(IPv4{.src = "192.0.2.10"} / Udp{.sport = 10}));
    }
    SECTION("a flow that restarts in an ended entry") {
        rig.kernel.now_ns += 40 * second; // the first SYN never returned
        CHECK(rig.passes(syn("192.0.2.10", 1000)));
        CHECK_FALSE(rig.passes(syn("192.0.2.10", 1001)));
        CHECK(rig.count(GLB_COUNT_FLOW_NEW) == 2);
    }
}

TEST_CASE("source limit: segments of any flags make no more entries than the rate", "[source_limit]") {
    const std::uint8_t flags =
        GENERATE(tcp::ack, tcp::rst, tcp::fin | tcp::ack, tcp::syn | tcp::ack, tcp::syn | tcp::rst, 0);
    CAPTURE(flags);
    Limited rig(20);
    std::size_t forwarded = 0;
    for (std::uint16_t port = 1; port <= 1000; ++port)
        forwarded += rig.round_trip(syn("192.0.2.10", port, flags));
    CHECK(rig.flows().size() <= 20);
    CHECK(forwarded == 1000); // they may belong to flows that began before: they pass without an entry
    CHECK(rig.drops(GLB_DROP_SOURCE_LIMIT) == 0);
    CHECK(rig.admit("192.0.2.10", 100) >= 9); // half of the burst is for flows that begin
}

TEST_CASE("source limit: flows midstream take no tokens that new flows need", "[source_limit]") {
    Limited rig(100);
    std::uint32_t admitted = 0;
    for (int step = 0; step < 100; ++step) {
        for (std::uint16_t port = 0; port < 20; ++port)
            CHECK(rig.passes(
                syn("192.0.2.10", static_cast<std::uint16_t>(10000 + step * 20 + port), tcp::ack)));
        admitted += rig.admit("192.0.2.10", 20);
        rig.advance(std::chrono::milliseconds(100));
    }
    CHECK(admitted >= 970); // ten seconds' worth
}

TEST_CASE("source limit: a server's flows get their entries again after the table was lost",
          "[source_limit]") {
    Limited rig(50);
    for (int half_second = 0; half_second < 20; ++half_second) {
        for (std::uint16_t client = 1; client <= 300; ++client)
            CHECK(rig.round_trip(syn("198.51.100.7", client, tcp::ack)));
        rig.advance(std::chrono::milliseconds(500));
    }
    CHECK(rig.flows().size() == 300);
    CHECK(rig.drops(GLB_DROP_SOURCE_LIMIT) == 0);
}

TEST_CASE("source limit: a SYN-ACK is free, and the initiator pays for the entry", "[source_limit]") {
    Limited rig(10);
    const auto answer = [](std::uint16_t port) -> Packet {
        return IPv4{.src = "198.51.100.20", .dst = "192.0.2.10"} /
               Tcp{.sport = 443, .dport = port, .flags = tcp::syn | tcp::ack};
    };
    for (std::uint16_t port = 1; port <= 100; ++port)
        CHECK(rig.round_trip(answer(port)));
    CHECK(rig.admit("198.51.100.20", 20) == 10);
    CHECK(rig.passes(syn("192.0.2.10", 1, tcp::ack)));
    CHECK(rig.count(GLB_COUNT_FLOW_MIDSTREAM) == 1);
}

TEST_CASE("source limit: dropped packet changes no map but its counter", "[source_limit]") {
    Limited rig(1);
    REQUIRE(rig.passes(syn("192.0.2.10", 1000)));
    rig.kernel.remember();
    CHECK_FALSE(rig.passes(syn("192.0.2.10", 1001)));
    for (const char *map :
         {"glb_flows_hot", "glb_flows_cold", "glb_stamps", "glb_source_buckets", "glb_target_counts"}) {
        INFO(map);
        CHECK_FALSE(rig.kernel.changed(map));
    }
    CHECK(rig.kernel.changed("glb_drops"));
}

TEST_CASE("source limit: without a limit no bucket is written", "[source_limit]") {
    Limited rig(0);
    CHECK(rig.admit("192.0.2.10", 100) == 100);
    CHECK_FALSE(rig.kernel.changed("glb_source_buckets"));
}

TEST_CASE("source limit: other sources in the set do not evict a limited source's bucket", "[source_limit]") {
    Limited rig(10);
    CHECK(rig.admit("192.0.2.10", 20) == 10);
    const auto buckets = rig.kernel.rows<__u64>("glb_source_buckets");
    const auto bucket = std::ranges::find_if(buckets, [](__u64 word) { return word != 0; });
    REQUIRE(bucket != buckets.end());
    const auto limited = *bucket;
    // The rest of its set: three sources of one flow each, with nearly full buckets.
    const auto set = buckets.subspan(static_cast<std::size_t>(bucket - buckets.begin()) & ~3u, 4);
    const __u64 cost = 15625000 / 10, full_in_a_second = limited & ((1ull << 40) - 1);
    for (unsigned way = 0; way < 4; ++way)
        if (&set[way] != &*bucket)
            set[way] = (0xabc000ull + way) << 40 | (full_in_a_second - 9 * cost);
    const std::array<__u64, 4> before{set[0], set[1], set[2], set[3]};

    auto frame = from_client(IPv4{.src = "100.0.0.0"} / Tcp{.flags = tcp::syn});
    std::uint32_t sources = 0;
    while (std::ranges::equal(set, before)) {
        REQUIRE(++sources < 1u << 20);
        for (int byte = 0; byte < 3; ++byte)
            frame[26 + 1 + byte] = static_cast<std::uint8_t>(sources >> (16 - 8 * byte));
        set16(frame, 24, 0);
        set16(frame, 24, internet_checksum(ByteView(frame).subspan(14, 20)));
        rig.send(frame);
    }
    CHECK(*bucket == limited);
    CHECK(rig.admit("192.0.2.10", 20) == 0);
}

TEST_CASE("source limit: two CPUs share a source's bucket", "[source_limit][concurrency]") {
    need_root();
    if (std::thread::hardware_concurrency() < 2)
        skip("needs two CPUs");
    constexpr std::uint32_t rate = 500, tries = 3000;
    Rig rig;
    rig.reconfigure([](auto &config) { config.endpoints[0].new_flows_per_second = rate; });
    const auto began = std::chrono::steady_clock::now();
    std::array<std::thread, 2> threads;
    std::array<std::uint32_t, 2> admitted{};
    for (unsigned cpu = 0; cpu < 2; ++cpu)
        threads[cpu] = std::thread([&, cpu] {
            for (std::uint32_t i = 0; i < tries; ++i) {
                const auto inner = syn("192.0.2.10", static_cast<std::uint16_t>(2 * i + cpu + 1000));
                admitted[cpu] += run_xdp(rig.roles.handles->program(), from_client(inner),
                                         {.ingress_ifindex = 1, .most_out = 512})
                                     .verdict == XDP_REDIRECT;
            }
        });
    for (auto &thread : threads)
        thread.join();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    const auto limited = rig.drops(GLB_DROP_SOURCE_LIMIT);
    CHECK(limited > 0);
    // A second's worth at once, the tokens of the elapsed time, and a tick's worth of rounding.
    CHECK(admitted[0] + admitted[1] <= rate * (1 + took.count() + 0.07) + 2);
    CHECK(admitted[0] + admitted[1] >= rate);
    CHECK(admitted[0] + admitted[1] + limited == 2ull * tries);
}
