#include <catch2/catch.hpp>

#include "appliance/inner_packet.h"
#include "tests/harness/packet.h"

namespace glb::test {
namespace {

using appliance::flow_key;

const IPv4 to_server{.src = "192.0.2.10", .dst = "198.51.100.20"};
const IPv4 to_client{.src = "198.51.100.20", .dst = "192.0.2.10"};
const IPv6 to_server6{.src = "2001:db8:1::10", .dst = "2001:db8:2::20"};
const IPv6 to_client6{.src = "2001:db8:2::20", .dst = "2001:db8:1::10"};

std::optional<std::size_t> length_of(const Bytes &packet) {
    return appliance::ip_packet_length(packet);
}

appliance::FlowKey key_of(const Bytes &packet, std::uint64_t endpoint = 1) {
    const auto key = flow_key(endpoint, packet);
    REQUIRE(key);
    return *key;
}

TEST_CASE("inner packet: both directions of a flow have the same key") {
    CHECK(key_of(to_server / Tcp{.sport = 4000, .dport = 80}) ==
          key_of(to_client / Tcp{.sport = 80, .dport = 4000}));
    CHECK(key_of(to_server / Udp{.sport = 4000, .dport = 53}) ==
          key_of(to_client / Udp{.sport = 53, .dport = 4000}));
    CHECK(key_of(to_server6 / Tcp{.sport = 4000, .dport = 80}) ==
          key_of(to_client6 / Tcp{.sport = 80, .dport = 4000}));
    CHECK(key_of(to_server / icmp_echo(77, 1)) == key_of(to_client / icmp_echo_reply(77, 9)));
    CHECK(key_of(to_server6 / icmp6_echo(77, 1)) == key_of(to_client6 / icmp6_echo_reply(77, 9)));
    CHECK(key_of(to_server / Esp{.spi = 1}) == key_of(to_client / Esp{.spi = 2}));
}

TEST_CASE("inner packet: flows that differ in one field have different keys") {
    const auto key = key_of(to_server / Tcp{.sport = 4000, .dport = 80});
    CHECK(key != key_of(to_server / Tcp{.sport = 4000, .dport = 80}, 2));
    CHECK(key != key_of(to_server / Tcp{.sport = 4001, .dport = 80}));
    CHECK(key != key_of(to_server / Tcp{.sport = 80, .dport = 4000}));
    CHECK(key != key_of(to_server / Udp{.sport = 4000, .dport = 80}));
    CHECK(key != key_of(IPv4{.src = "192.0.2.11", .dst = "198.51.100.20"} / Tcp{.sport = 4000, .dport = 80}));
    CHECK(key_of(to_server / icmp_echo(77, 1)) != key_of(to_server / icmp_echo(78, 1)));
}

TEST_CASE("inner packet: with equal addresses the ports determine the order") {
    const IPv4 to_self{.src = "192.0.2.10", .dst = "192.0.2.10"};
    CHECK(key_of(to_self / Udp{.sport = 1, .dport = 2}) == key_of(to_self / Udp{.sport = 2, .dport = 1}));
}

TEST_CASE("inner packet: an ICMP error belongs to the quoted flow, whatever its source") {
    const auto flow = to_server / Udp{.sport = 4000, .dport = 53};
    const auto flow6 = to_server6 / Udp{.sport = 4000, .dport = 53};
    const IPv4 from_router{.src = "203.0.113.1", .dst = "192.0.2.10"};
    const IPv6 from_router6{.src = "2001:db8:ff::1", .dst = "2001:db8:1::10"};
    CHECK(key_of(from_router / icmp_time_exceeded() / flow) == key_of(flow));
    CHECK(key_of(from_router / icmp_unreachable(3) / flow) == key_of(flow));
    CHECK(key_of(from_router6 / icmp6_too_big(1280) / flow6) == key_of(flow6));
    // RFC 792: the quote is the header and 8 bytes, less than the quoted total length.
    const Bytes error = from_router / icmp_time_exceeded() / (flow / Payload(Bytes(500)));
    CHECK(key_of(Bytes(error.begin(), error.begin() + 20 + 8 + 20 + 8)) == key_of(flow));
}

TEST_CASE("inner packet: later fragments have no ports, the first one has") {
    const Bytes whole = to_server / Udp{.sport = 4000, .dport = 53} / Payload(Bytes(64));
    const auto pieces = fragments_of(whole, 32);
    REQUIRE(pieces.size() == 3);
    CHECK(key_of(pieces[0]) == key_of(whole));
    CHECK(key_of(pieces[1]).low_port == 0);
    CHECK(key_of(pieces[1]).high_port == 0);
    CHECK(key_of(pieces[1]) == key_of(pieces[2]));
    const auto later6 = key_of(to_server6 / Fragment6{.offset = 4, .next_header = 17} / Payload(Bytes(16)));
    CHECK(later6.ip_proto == 17);
    CHECK(later6.low_port == 0);
    CHECK(key_of(to_server6 / Fragment6{.offset = 0, .more = true} / Udp{.sport = 4000, .dport = 53}) ==
          key_of(to_server6 / Udp{.sport = 4000, .dport = 53}));
}

TEST_CASE("inner packet: up to eight extension headers are skipped") {
    const auto plain = key_of(to_server6 / Tcp{.sport = 4000, .dport = 80});
    CHECK(key_of(to_server6 / HopByHop{} / DestOptions{} / Tcp{.sport = 4000, .dport = 80}) == plain);
    Packet chain = to_server6;
    for (int i = 0; i < 9; ++i)
        chain = chain / DestOptions{};
    CHECK(key_of(chain / Tcp{.sport = 4000, .dport = 80}).ip_proto == 60);
}

TEST_CASE("inner packet: IPv6 link-local multicast is recognised") {
    const auto is_link = [](const char *dst, std::size_t length = 48) {
        return appliance::is_link_multicast(truncated(IPv6{.dst = dst} / Udp{}, length));
    };
    CHECK(is_link("ff02::16"));
    CHECK_FALSE(is_link("ff05::2"));
    CHECK_FALSE(is_link("fe02::16"));
    CHECK_FALSE(is_link("ff02::16", 39));
}

TEST_CASE("inner packet: length from the header, if complete") {
    const Bytes packet = to_server / Udp{} / Payload("hi");
    CHECK(length_of(packet) == 30);
    CHECK(length_of(padded_to(packet, 46)) == 30);
    CHECK_FALSE(length_of(truncated(packet, 29)));
    CHECK_FALSE(length_of(IPv4{.total_length = 19} / Udp{}));
    CHECK_FALSE(length_of(IPv4{.header_words = 4} / Udp{}));
    CHECK_FALSE(length_of(IPv4{.version = 5} / Udp{}));

    const Bytes packet6 = to_server6 / Udp{} / Payload("hi");
    CHECK(length_of(packet6) == 50);
    CHECK_FALSE(length_of(truncated(packet6, 49)));
    CHECK_FALSE(length_of(IPv6{.next_header = 17, .payload_length = 0} / Udp{})); // jumbogram
}

} // namespace
} // namespace glb::test
