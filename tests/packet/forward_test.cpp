// Forwarding of an inspected packet: the kernel's FIB, the egress cached in the flow, and the punt path.
#include <catch2/catch.hpp>

#include <chrono>
#include <thread>

#include <arpa/inet.h>
#include <linux/bpf.h>

#include "tests/harness/skip.h"
#include "tests/packet/routed.h"

using namespace glb;
using namespace glb::test;

TEST_CASE("forward: FIB result gives MACs, decremented TTL and a correct checksum", "[forward]") {
    need_root();
    RoutedRig routed;
    SECTION("IPv4") {
        const Packet rest = Udp{} / Payload{from_string("x")};
        for (const int ttl : {2, 64, 255}) {
            const IPv4 ip{.ttl = static_cast<std::uint8_t>(ttl), .tos = 0xb8, .id = 7, .df = true};
            const auto outcome = routed.round_trip(ip / rest);
            CHECK(outcome.code == XDP_REDIRECT);
            CHECK_THAT(outcome.frame, equals(forwarded_frame(lan_gateway, lan_mac, ip, rest)));
        }
        CHECK(routed.rig.count(GLB_COUNT_FORWARDED) == 3);
    }
    SECTION("IPv6") {
        const Packet rest = Tcp{.flags = tcp::syn};
        const auto outcome = routed.round_trip(IPv6{.hop_limit = 2} / rest);
        CHECK(outcome.code == XDP_REDIRECT);
        CHECK_THAT(outcome.frame, equals(forwarded_frame(lan_gateway, lan_mac, IPv6{.hop_limit = 2}, rest)));
    }
    SECTION("another route, another egress") {
        const IPv4 ip{.dst = "198.51.100.30"};
        CHECK_THAT(routed.round_trip(ip / Udp{}).frame,
                   equals(forwarded_frame(wan_gateway, wan_mac, ip, Udp{})));
    }
    SECTION("an on-link destination is its own next hop") {
        const Mac host = "02:00:00:00:aa:42";
        routed.neighbour("lan0", "192.0.2.42", host);
        const IPv4 ip{.src = "198.51.100.20", .dst = "192.0.2.42"};
        CHECK_THAT(routed.round_trip(ip / Udp{}).frame, equals(forwarded_frame(host, lan_mac, ip, Udp{})));
    }
    CHECK(routed.rig.count(GLB_COUNT_PUNTED) == 0);
    CHECK(routed.rig.count(GLB_COUNT_CACHED_EGRESS) == 0);
}

TEST_CASE("forward: redirected and punted packets are counted for their endpoint", "[forward]") {
    need_root();
    RoutedRig routed;
    const auto forwarded = [&] { return routed.rig.roles.counters.endpoint_count(3).value().forwarded; };
    const auto out = routed.rig.send(from_client(to_lan));
    REQUIRE(out.code == XDP_REDIRECT);
    CHECK(forwarded().packets == 0);
    CHECK(routed.round_trip(to_lan).code == XDP_REDIRECT);
    CHECK(forwarded().packets == 1);
    CHECK(forwarded().bytes == to_lan.bytes().size());
    const Packet ends = IPv4{.ttl = 1} / Udp{};
    CHECK(routed.round_trip(ends).code == XDP_PASS);
    CHECK(forwarded().packets == 2);
    CHECK(forwarded().bytes == to_lan.bytes().size() + ends.bytes().size());

    SECTION("a dropped packet is not counted") {
        const unsigned other = out.frame.at(5) != target2_mac.bytes[5];
        const auto frame = returned(other, cookie_of(out.frame), entropy_of(out.frame), to_lan);
        CHECK(routed.rig.send(frame).code == XDP_DROP);
        CHECK(forwarded().packets == 2);
    }
}

TEST_CASE("forward: of packets beyond the punt limit, those that are dropped are not counted as forwarded",
          "[forward][punt]") {
    need_root();
    RoutedRig routed;
    auto &rig = routed.rig;
    const bool bypass = GENERATE(false, true);
    const Packet inner = IPv4{.ttl = 1} / Udp{};
    const auto out = rig.send(from_client(inner));
    REQUIRE(out.code == XDP_REDIRECT);
    const unsigned target = out.frame.at(5) == target2_mac.bytes[5];
    auto frame = returned(target, cookie_of(out.frame), entropy_of(out.frame), inner);
    if (bypass) {
        const std::uint32_t key = sample_endpoint;
        const std::uint64_t override = GLB_ENDPOINT_BYPASS;
        const int map = rig.roles.handles->map(datapath::Map::endpoint_override);
        REQUIRE(bpf_map_update_elem(map, &key, &override, BPF_ANY) == 0);
        frame = from_client(inner);
    }
    const auto dropped = [&] { return rig.drops(GLB_DROP_PUNT_LIMITED); };
    for (int i = 0; i < 100000 && dropped() < 5; ++i)
        (void)rig.send(frame);
    REQUIRE(dropped() == 5);
    const auto punted = rig.count(bypass ? GLB_COUNT_BYPASSED : GLB_COUNT_PUNTED);
    CHECK(punted >= 1000);
    const auto forwarded = rig.roles.counters.endpoint_count(sample_endpoint).value().forwarded;
    CHECK(forwarded.packets == punted);
    CHECK(forwarded.bytes == punted * inner.bytes().size());
}

TEST_CASE("forward: egress may be the tunnel's interface (one-arm)", "[forward]") {
    need_root();
    RoutedRig routed;
    const Mac gateway = "02:00:00:00:cc:99";
    routed.neighbour("tun0", "10.0.1.99", gateway);
    routed.ns.route("198.51.100.40/32", "10.0.1.99");
    REQUIRE(routed.rig.roles.egress.add_device(routed.ns.ifindex("tun0")));
    routed.egress("tun0");
    const IPv4 ip{.dst = "198.51.100.40"};
    const auto outcome = routed.round_trip(ip / Udp{});
    CHECK(outcome.code == XDP_REDIRECT);
    CHECK_THAT(outcome.frame, equals(forwarded_frame(gateway, "02:00:00:00:cc:01", ip, Udp{})));
}

TEST_CASE("forward: VLAN tags of the egress are added", "[forward]") {
    need_root();
    RoutedRig routed;
    const unsigned tags = GENERATE(1u, 2u);
    glb_egress row{};
    row.ifindex = routed.ns.ifindex("wan0"); // represents a VLAN on wan0 that is lan0 in the FIB
    row.mtu = 1500;
    row.vlan_count = static_cast<std::uint16_t>(tags);
    row.vlan_proto[0] = htons(tags == 2 ? 0x88a8 : 0x8100);
    row.vlan_tci[0] = htons(100);
    row.vlan_proto[1] = htons(0x8100);
    row.vlan_tci[1] = htons(200);
    routed.set_egress("lan0", row);
    const auto outcome = routed.round_trip(IPv4{} / Udp{});
    CHECK(outcome.code == XDP_REDIRECT);
    const Packet ethernet = Eth{.dst = lan_gateway, .src = lan_mac};
    const Packet inner = IPv4{.ttl = 63} / Udp{};
    const Bytes wanted = tags == 2 ? ethernet / Vlan{.id = 100, .tpid = 0x88a8} / Vlan{200} / inner
                                   : ethernet / Vlan{100} / inner;
    CHECK_THAT(outcome.frame, equals(wanted));
}

TEST_CASE("forward: cached egress is valid for a second and a route generation", "[forward]") {
    need_root();
    RoutedRig routed;
    const Packet inner = GENERATE(Packet(to_lan), Packet(to_lan6));
    routed.next_hop(77, "lan0", lan_mac, lan_gateway);
    const auto first = routed.round_trip(inner);
    REQUIRE(first.code == XDP_REDIRECT);
    CHECK(routed.rig.count(GLB_COUNT_CACHED_EGRESS) == 0);

    // Distinguishes the row from the FIB's result by its destination.
    const Mac marked = "02:00:00:00:ee:ee";
    routed.next_hop(77, "lan0", lan_mac, marked);
    const auto by_cache = routed.round_trip(inner);
    CHECK(routed.rig.count(GLB_COUNT_CACHED_EGRESS) == 1);
    CHECK(Bytes(by_cache.frame.begin(), by_cache.frame.begin() + 6) ==
          Bytes(marked.bytes.begin(), marked.bytes.end()));
    CHECK(Bytes(by_cache.frame.begin() + 14, by_cache.frame.end()) ==
          Bytes(first.frame.begin() + 14, first.frame.end()));

    SECTION("stale after a change of routes") {
        REQUIRE(routed.rig.roles.config.raise_route_generation());
    }
    SECTION("stale after a second") {
        std::this_thread::sleep_for(std::chrono::milliseconds(1100));
    }
    CHECK_THAT(routed.round_trip(inner).frame, equals(first.frame));
    CHECK(routed.rig.count(GLB_COUNT_CACHED_EGRESS) == 1);
}

TEST_CASE("forward: each direction of a flow caches its own egress", "[forward]") {
    need_root();
    RoutedRig routed;
    routed.next_hop(1, "lan0", lan_mac, lan_gateway);
    routed.next_hop(2, "wan0", wan_mac, wan_gateway);
    routed.ns.route("10.9.0.0/16", "203.0.113.99");
    const IPv4 there{.src = "10.9.0.1"}, again{.src = "198.51.100.20", .dst = "10.9.0.1"};
    const Packet request = Udp{}, answer = Udp{.sport = 53, .dport = 12345};
    for (int round = 0; round < 2; ++round) {
        CHECK_THAT(routed.round_trip(there / request).frame,
                   equals(forwarded_frame(lan_gateway, lan_mac, there, request)));
        CHECK_THAT(routed.round_trip(again / answer).frame,
                   equals(forwarded_frame(wan_gateway, wan_mac, again, answer)));
    }
    CHECK(routed.rig.count(GLB_COUNT_FLOW_NEW) == 1);
    CHECK(routed.rig.count(GLB_COUNT_CACHED_EGRESS) == 2);
}

TEST_CASE("forward: fragments and ICMP errors neither use nor fill the egress cache", "[forward]") {
    need_root();
    RoutedRig routed;
    routed.next_hop(1, "lan0", lan_mac, lan_gateway);
    const auto out = routed.rig.send(from_client(to_lan));
    const unsigned target = out.frame.at(5) == target2_mac.bytes[5];
    const Packet error = IPv4{.src = "203.0.113.254", .dst = "198.51.100.30"} / icmp_unreachable(13) / to_lan;
    for (int round = 0; round < 2; ++round) {
        const auto sent =
            routed.rig.send(returned(target, cookie_of(out.frame), entropy_of(out.frame), error));
        CHECK(sent.code == XDP_REDIRECT);
        CHECK(Bytes(sent.frame.begin(), sent.frame.begin() + 6) ==
              Bytes(wan_gateway.bytes.begin(), wan_gateway.bytes.end()));
    }
    CHECK(routed.rig.count(GLB_COUNT_CACHED_EGRESS) == 0);
    CHECK(routed.round_trip(to_lan).code == XDP_REDIRECT);
    CHECK(routed.rig.count(GLB_COUNT_CACHED_EGRESS) == 0); // the ICMP errors stored nothing
}

TEST_CASE("punt: packets that need the host stack are punted", "[forward][punt]") {
    need_root();
    RoutedRig routed;
    SECTION("an expiring TTL") {
        routed.check_punted(GENERATE(Packet(IPv4{.ttl = 1} / Udp{}), Packet(IPv4{.ttl = 0} / Udp{}),
                                     Packet(IPv6{.hop_limit = 1} / Udp{})));
    }
    SECTION("too big for the egress") {
        routed.egress("lan0", 1000);
        routed.check_punted(IPv4{} / Udp{} / Payload{Bytes(973)});
        CHECK(routed.round_trip(IPv4{} / Udp{} / Payload{Bytes(972)}).code == XDP_REDIRECT);
    }
    SECTION("too big for the route") {
        routed.ns.must(
            {"ip", "route", "replace", "198.51.100.0/24", "via", "192.0.2.99", "mtu", "lock", "900"});
        routed.check_punted(IPv4{} / Udp{} / Payload{Bytes(900)});
    }
    SECTION("a local address") {
        routed.check_punted(GENERATE(Packet(IPv4{.dst = "203.0.113.1"} / Udp{}),
                                     Packet(IPv6{.dst = "2001:db8:3::1"} / Udp{})));
    }
    SECTION("no route") {
        routed.check_punted(GENERATE(Packet(IPv4{.dst = "100.64.0.1"} / Udp{}),
                                     Packet(IPv6{.dst = "2001:db8:9::1"} / Udp{})));
    }
    SECTION("an egress without the program") {
        routed.remove_egress("lan0");
        routed.check_punted(to_lan);
    }
    CHECK(routed.events().empty());
}

TEST_CASE("punt: a packet with an unresolved next hop is punted and reported", "[forward][punt]") {
    need_root();
    RoutedRig routed;
    SECTION("IPv4: the gateway") {
        routed.ns.route("100.64.0.0/16", "203.0.113.77");
        routed.check_punted(IPv4{.dst = "100.64.1.2"} / Udp{});
        const auto events = routed.events();
        REQUIRE(events.size() == 1);
        CHECK(events[0].kind == GLB_EVENT_NO_NEIGHBOUR);
        CHECK(events[0].ifindex == routed.ns.ifindex("wan0"));
        CHECK(events[0].family == 4);
        CHECK(events[0].address[0] == IpAddress::parse("203.0.113.77")->v4_network_order());
    }
    SECTION("IPv6: the gateway") {
        routed.ns.must({"ip", "-6", "route", "add", "2001:db8:7::/64", "via", "2001:db8:1::77"});
        routed.check_punted(IPv6{.dst = "2001:db8:7::1"} / Udp{});
        const auto events = routed.events();
        REQUIRE(events.size() == 1);
        CHECK(events[0].ifindex == routed.ns.ifindex("lan0"));
        CHECK(events[0].family == 6);
        CHECK(Bytes(reinterpret_cast<const std::uint8_t *>(events[0].address),
                    reinterpret_cast<const std::uint8_t *>(events[0].address) + 16) ==
              from_hex("20010db8 00010000 00000000 00000077"));
    }
}

TEST_CASE("forward: an endpoint's route table applies to its own packets only", "[forward]") {
    need_root();
    RoutedRig routed;
    const auto outcome = [&](std::uint32_t table) {
        routed.rig.reconfigure([&](auto &config) { config.endpoints[0].route_table = table; });
        return routed.round_trip(to_lan);
    };
    // 70000 does not fit 16 bits: the table id is passed in two halves.
    for (const auto *table : {"100", "70000"})
        routed.ns.must({"ip", "route", "add", "198.51.100.0/24", "via", "203.0.113.99", "table", table});
    const Packet rest = Udp{} / Payload{from_string("forward me")};
    CHECK_THAT(outcome(0).frame, equals(forwarded_frame(lan_gateway, lan_mac, IPv4{}, rest)));
    CHECK_THAT(outcome(100).frame, equals(forwarded_frame(wan_gateway, wan_mac, IPv4{}, rest)));
    CHECK_THAT(outcome(70000).frame, equals(forwarded_frame(wan_gateway, wan_mac, IPv4{}, rest)));
    CHECK_THAT(outcome(0).frame, equals(forwarded_frame(lan_gateway, lan_mac, IPv4{}, rest)));
}
