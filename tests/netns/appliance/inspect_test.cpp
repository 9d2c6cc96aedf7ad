// Inspection: packets pass the firewall of the appliance's namespace and are returned with their GENEVE
// header.
#include <algorithm>

#include "tests/harness/catch_bytes.h"
#include "tests/harness/skip.h"
#include "tests/netns/appliance/bench.h"

using namespace glb::test;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t other_endpoint = 0x1111222233334444;

Bytes inner_of_golden() {
    const auto packet = golden_out();
    return {packet.begin() + 68, packet.end()};
}

void forward_rule(const ApplianceBench &bench, const std::string &rule) {
    bench.firewall.must(
        {"nft", "add table inet fw; add chain inet fw f { type filter hook forward priority 0; }; "
                "add rule inet fw f " +
                    rule});
}

/// The message type of an ICMP or ICMPv6 packet without extension headers, or -1.
int icmp_type(const Bytes &inner) {
    if (inner.at(0) >> 4 == 6)
        return inner.at(6) == 58 ? inner.at(40) : -1;
    return inner.at(9) == 1 ? inner.at(20) : -1;
}

} // namespace

TEST_CASE("inspection: golden packet is returned in the wire format with a decremented inner TTL") {
    need_root();
    ApplianceBench bench;
    bench.start();
    bench.send_outer(golden_out());
    const auto returned = bench.next();
    REQUIRE(returned);

    // The appliance chooses TTL, DF and identification, which also change the checksum.
    auto expected = golden_return();
    expected[6] = returned->outer[6];
    expected[8] = returned->outer[8];
    set16(expected, 10, 0);
    set16(expected, 10, internet_checksum(ByteView(expected).first(20)));
    const auto inner = forwarded(inner_of_golden());
    std::ranges::copy(inner, expected.begin() + 68);
    CHECK_THAT(returned->outer, equals(expected));
    CHECK(bench.counts("inspected", 1));
    CHECK(bench.counts("returned", 1));
}

TEST_CASE("inspection: works without prior forwarding settings and with strict reverse path filtering") {
    need_root();
    ApplianceBench bench;
    bench.firewall.sysctl("net/ipv4/ip_forward", "0");
    bench.firewall.sysctl("net/ipv4/conf/all/rp_filter", "1");
    bench.firewall.sysctl("net/ipv4/conf/default/rp_filter", "1");
    bench.firewall.sysctl("net/ipv6/conf/all/forwarding", "0");
    bench.start();
    bench.send(golden_endpoint, 1, inner_of_golden());
    CHECK(bench.next());
    const Bytes packet = IPv6{} / Tcp{.flags = tcp::syn};
    bench.send(golden_endpoint, 2, packet);
    const auto returned = bench.next();
    REQUIRE(returned);
    CHECK_THAT(returned->header, equals(geneve_header(golden_endpoint, 2, true)));
    CHECK_THAT(returned->inner, equals(forwarded(packet)));
    CHECK(bench.firewall.must({"ip", "address", "show", "dev", "gwi-1d4db0c51c4"}).find("inet") ==
          std::string::npos);
}

TEST_CASE("inspection: inner packet with the appliance's own source address passes") {
    need_root();
    ApplianceBench bench;
    bench.firewall.sysctl("net/ipv4/conf/all/rp_filter", "0");
    bench.firewall.sysctl("net/ipv4/conf/default/rp_filter", "1");
    bench.start();
    const auto packet =
        GENERATE(Bytes(IPv4{.src = "10.0.1.20"} / Tcp{}), Bytes(IPv6{.src = "2001:db8:f::20"} / Tcp{}));
    bench.send(golden_endpoint, 1, packet);
    const auto returned = bench.next();
    REQUIRE(returned);
    CHECK_THAT(returned->inner, equals(forwarded(packet)));
}

TEST_CASE("inspection: firewall drops one port and permits other traffic") {
    need_root();
    ApplianceBench bench;
    forward_rule(bench, "iifname \"gwi-*\" tcp dport 23 drop");
    bench.start();
    bench.send(golden_endpoint, 1, IPv4{} / Tcp{.dport = 23, .flags = tcp::syn});
    bench.send(golden_endpoint, 2, IPv6{} / Tcp{.dport = 23, .flags = tcp::syn});
    CHECK(bench.returns_only_marker());
    for (const Bytes &packet : {Bytes(IPv4{} / Tcp{.dport = 80}), Bytes(IPv6{} / Tcp{.dport = 80}),
                                Bytes(IPv4{} / Sctp{}), Bytes(IPv4{} / Esp{} / Payload("x")),
                                Bytes(IPv4{} / Gre{} / Payload("x")), Bytes(IPv6{} / icmp6_echo(7, 1))}) {
        bench.send(golden_endpoint, 3, packet);
        const auto returned = bench.next();
        REQUIRE(returned);
        CHECK_THAT(returned->inner, equals(forwarded(packet)));
    }
}

TEST_CASE("inspection: packets are returned with the latest header of their flow, of either direction") {
    need_root();
    ApplianceBench bench;
    bench.start();
    const auto flow = [](std::uint16_t port) -> Bytes { return IPv4{} / Tcp{.sport = port}; };
    const Bytes answer = IPv4{.src = "198.51.100.20", .dst = "192.0.2.10"} / Tcp{.sport = 80, .dport = 1000};
    const auto is_returned = [&](std::uint32_t cookie, const Bytes &packet, std::uint16_t port) {
        bench.send(golden_endpoint, cookie, packet, port);
        const auto returned = bench.next();
        return returned && returned->header == geneve_header(golden_endpoint, cookie) &&
               returned->source_port == port && returned->destination_port == 6081;
    };
    CHECK(is_returned(10, flow(1000), 50000));
    CHECK(is_returned(20, flow(2000), 50001));
    CHECK(is_returned(11, answer, 50002));
    CHECK(is_returned(20, flow(2000), 50001));
    CHECK(is_returned(10, flow(1000), 50000));
    CHECK(bench.counters()["flows"] == 2);
}

TEST_CASE("inspection: identical tuples of two endpoints are separate flows") {
    need_root();
    ApplianceBench bench;
    bench.start();
    const Bytes alive = IPv4{} / Tcp{}, dying = IPv4{.ttl = 1} / Tcp{};
    for (const auto &packet : {alive, dying, alive, dying}) {
        for (const auto endpoint : {golden_endpoint, other_endpoint}) {
            const auto cookie = static_cast<std::uint32_t>(endpoint);
            bench.send(endpoint, cookie, packet);
            const auto returned = bench.next();
            REQUIRE(returned);
            CHECK_THAT(returned->header, equals(geneve_header(endpoint, cookie)));
        }
    }
    nlohmann::json endpoints;
    const auto has_four = [](const auto &endpoint) {
        return endpoint["packetsIn"] == 4 && endpoint["packetsBack"] == 4;
    };
    CHECK(eventually(5s, [&] { // a packet is counted after it was sent
        endpoints = bench.counters()["endpoints"];
        return std::ranges::all_of(endpoints, has_four);
    }));
    INFO(endpoints.dump());
    CHECK(endpoints.size() == 2);
}

TEST_CASE("inspection: connection tracking zones separate two endpoints") {
    need_root();
    ApplianceBench bench;
    // The zones of the man page, and a rule that shows which connection a packet is assigned to.
    forward_rule(bench, "ct state established drop");
    bench.firewall.must({"nft", "add chain inet fw zone { type filter hook prerouting priority raw; }; "
                                "add rule inet fw zone ct zone set meta mark map { 6081 : 1, 6082 : 2 }"});
    bench.start();
    const Bytes query = IPv4{} / Udp{} / Payload("query");
    const Bytes answer = IPv4{.src = "198.51.100.20", .dst = "192.0.2.10"} / Udp{.sport = 53, .dport = 12345};
    for (const auto endpoint : {golden_endpoint, other_endpoint}) {
        bench.send(endpoint, 1, query);
        const auto returned = bench.next();
        REQUIRE(returned);
        CHECK_THAT(returned->header, equals(geneve_header(endpoint, 1)));
        bench.send(endpoint, 2, answer); // makes the connection established, so it is dropped
    }
    CHECK(bench.returns_only_marker());
}

TEST_CASE("inspection: ICMP error of the appliance's kernel is returned with the header of its flow") {
    need_root();
    ApplianceBench bench;
    bench.start();
    bench.send(golden_endpoint, 5, IPv4{.ttl = 1} / Udp{} / Payload("hello"), 45001);
    auto returned = bench.next();
    REQUIRE(returned);
    CHECK_THAT(returned->header, equals(geneve_header(golden_endpoint, 5)));
    CHECK(returned->source_port == 45001);
    CHECK(icmp_type(returned->inner) == 11);

    bench.send(golden_endpoint, 6, IPv6{.hop_limit = 1} / Tcp{}, 45002);
    returned = bench.next();
    REQUIRE(returned);
    CHECK(returned->source_port == 45002);
    CHECK(icmp_type(returned->inner) == 3);
    // The error has the IP version of its flow, and the GENEVE protocol field matches.
    CHECK_THAT(returned->header, equals(geneve_header(golden_endpoint, 6, true)));
}

TEST_CASE("inspection: rejections of the firewall are returned through the tunnel") {
    need_root();
    ApplianceBench bench;
    forward_rule(bench, "tcp dport 23 reject with tcp reset; add rule inet fw f udp dport 53 reject");
    bench.start();
    for (const bool ipv6 : {false, true}) {
        const Packet ip = ipv6 ? Packet(IPv6{}) : Packet(IPv4{});
        INFO("IPv6 " << ipv6);
        bench.send(golden_endpoint, 7, ip / Tcp{.sport = 999, .dport = 23, .flags = tcp::syn, .seq = 41});
        auto returned = bench.next();
        REQUIRE(returned);
        const std::size_t tcp_at = ipv6 ? 40 : 20;
        REQUIRE(returned->inner.size() >= tcp_at + 20);
        CHECK((returned->inner[tcp_at + 13] & tcp::rst) != 0);
        CHECK_THAT(returned->header, equals(geneve_header(golden_endpoint, 7, ipv6)));

        bench.send(golden_endpoint, 8, ip / Udp{} / Payload("query"));
        returned = bench.next();
        REQUIRE(returned);
        CHECK(icmp_type(returned->inner) == (ipv6 ? 1 : 3));
        CHECK_THAT(returned->header, equals(geneve_header(golden_endpoint, 8, ipv6)));
    }
}

TEST_CASE("inspection: IPv4 fragments are returned, also after reassembly by connection tracking") {
    need_root();
    const bool tracked = GENERATE(false, true);
    INFO("connection tracking " << tracked);
    ApplianceBench bench;
    if (tracked)
        forward_rule(bench, "ct state invalid drop");
    bench.start({"--endpoint", "vpce-02b8ee1d4db0c51c4"});
    const Bytes whole = IPv4{.id = 77} / Udp{} / Payload(1800);
    for (const auto &fragment : fragments_of(whole, 800))
        bench.send(golden_endpoint, 9, fragment);
    std::size_t bytes = 0;
    for (int i = 0; i < 3; ++i) {
        const auto returned = bench.next();
        REQUIRE(returned);
        CHECK_THAT(returned->header, equals(geneve_header(golden_endpoint, 9)));
        CHECK(returned->inner.size() <= 820);
        bytes += returned->inner.size() - 20;
    }
    CHECK(bytes == 1808);
}

TEST_CASE("inspection: IPv6 fragments are returned") {
    need_root();
    ApplianceBench bench;
    forward_rule(bench, "ct state invalid drop");
    bench.start();
    const Bytes whole = IPv6{} / Udp{} / Payload(1392);
    const Bytes first = IPv6{} / Fragment6{.more = true, .id = 5, .next_header = 17} /
                        Payload(Bytes(whole.begin() + 40, whole.begin() + 40 + 800));
    const Bytes last = IPv6{} / Fragment6{.offset = 100, .id = 5, .next_header = 17} /
                       Payload(Bytes(whole.begin() + 840, whole.end()));
    bench.send(golden_endpoint, 9, first);
    bench.send(golden_endpoint, 9, last);
    for (const auto length : {first.size(), last.size()}) {
        const auto returned = bench.next();
        REQUIRE(returned);
        CHECK(returned->inner.size() == length);
        CHECK_THAT(returned->header, equals(geneve_header(golden_endpoint, 9, true)));
    }
}

TEST_CASE("inspection: packets that did not arrive through the tunnel are not sent through it") {
    need_root();
    ApplianceBench bench;
    bench.start({"--endpoint", "vpce-02b8ee1d4db0c51c4"});
    REQUIRE(bench.counts("unknown_flow", 0));
    (void)bench.firewall.run({"ping", "-c", "1", "-W", "1", "-I", "gwi-1d4db0c51c4", "203.0.113.9"});
    CHECK(bench.counts("unknown_flow", 1));
    CHECK(bench.returns_only_marker());
    // Packets that the kernel sends when the device comes up are counted separately.
    CHECK(eventually(10s, [&] { return bench.counters()["drops"]["link_chatter"] > 0; }));
}
