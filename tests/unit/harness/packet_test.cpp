#include "tests/harness/catch_bytes.h"
#include "tests/harness/golden.h"
#include "tests/harness/packet.h"

using namespace glb::test;

namespace {

Packet golden_inner() {
    return IPv4{.src = "192.0.2.10", .dst = "198.51.100.20", .ttl = 63, .id = 1, .df = true} /
           Udp{.sport = 12345, .dport = 53, .checksum = 0} / Payload("hi");
}

Packet tunnelled(IPv4 outer) {
    return std::move(outer) / Udp{.sport = 40001, .dport = 6081, .checksum = 0} /
           Geneve{aws_options(golden_endpoint, 0, golden_cookie)} / golden_inner();
}

} // namespace

TEST_CASE("packet: the golden packets are reproduced byte for byte") {
    CHECK_THAT(tunnelled({.src = "10.0.1.10", .dst = "10.0.1.20"}).bytes(), equals(golden_out()));
    CHECK_THAT(tunnelled({.src = "10.0.1.20", .dst = "10.0.1.10", .ttl = 2}).bytes(),
               equals(golden_return()));
}

TEST_CASE("packet: Ethernet and VLAN tags have the next ethertype") {
    const Bytes frame = Eth{} / Vlan{.id = 200, .tpid = 0x88a8} / Vlan{100, 5} / IPv6{};
    CHECK_THAT(truncated(frame, 22), equals(from_hex("020000000002 020000000001 88a8 00c8 8100 a064 86dd")));
    const Bytes arp = Eth{.dst = "ff:ff:ff:ff:ff:ff"} / Arp{};
    CHECK_THAT(arp, equals(from_hex("ffffffffffff 020000000001 0806 0001 0800 06 04 0001"
                                    "020000000001 c000020a 000000000000 c0000201")));
}

TEST_CASE("packet: IPv4 options are padded and included in the header length") {
    const Bytes ip = IPv4{.options = {0x94, 0x04, 0x00, 0x00, 0x01}} / Payload("x");
    CHECK(ip.size() == 29);
    CHECK(ip[0] == 0x47);
    CHECK(ip[3] == 29);
    CHECK(ip[9] == 253);
    CHECK(internet_checksum(ByteView(ip).subspan(0, 28)) == 0);
}

// A widely published example: checksum b861.
TEST_CASE("packet: IPv4 checksum of a known header") {
    const Bytes ip = IPv4{.src = "192.168.0.1",
                          .dst = "192.168.0.199",
                          .ttl = 64,
                          .df = true,
                          .ip_proto = std::uint8_t{17},
                          .total_length = std::uint16_t{115}} /
                     Packet{};
    CHECK_THAT(ip, equals(from_hex("45000073000040004011b861c0a80001c0a800c7")));
}

TEST_CASE("packet: L4 checksums include the pseudo header of their IP header") {
    const auto sum4 = [](const Bytes &ip) {
        Bytes pseudo(ip.begin() + 12, ip.begin() + 20);
        put16(pseudo, ip[9]);
        put16(pseudo, static_cast<std::uint16_t>(ip.size() - 20));
        return internet_checksum(pseudo + ByteView(ip).subspan(20));
    };
    CHECK(sum4(IPv4{} / Tcp{.options = {2, 4, 5, 0xb4}} / Payload("odd")) == 0);
    CHECK(sum4(IPv4{} / Udp{} / Payload("hello")) == 0);
    CHECK(sum4(IPv4{} / UdpLite{} / Payload("hello")) == 0);

    const auto sum6 = [](const Bytes &ip) {
        Bytes pseudo(ip.begin() + 8, ip.begin() + 40);
        put32(pseudo, static_cast<std::uint32_t>(ip.size() - 40));
        put32(pseudo, ip[6]);
        return internet_checksum(pseudo + ByteView(ip).subspan(40));
    };
    CHECK(sum6(IPv6{} / Tcp{.flags = tcp::syn}) == 0);
    CHECK(sum6(IPv6{} / Udp{} / Payload("odd")) == 0);
    CHECK(sum6(IPv6{} / icmp6_echo(7, 1) / Payload("ping")) == 0);
    CHECK(sum6(IPv6{.hop_limit = 255} / nd_solicitation("2001:db8::1", "02:00:00:00:00:09")) == 0);

    // Inside GENEVE the inner addresses apply.
    const Bytes plain = IPv4{} / Tcp{};
    const Bytes inside = IPv4{.src = "10.0.1.10", .dst = "10.0.1.20"} / Udp{} / Geneve{} / IPv4{} / Tcp{};
    CHECK_THAT(Bytes(inside.begin() + 36, inside.end()), equals(plain));
}

TEST_CASE("packet: IPv6 extension headers are chained and padded") {
    const Bytes ip = IPv6{} / HopByHop{} / Routing{.segments_left = 1, .addresses = {"2001:db8::5"}} /
                     DestOptions{.data = {1, 3, 0, 0, 0}} / Fragment6{.offset = 3, .more = true, .id = 9} /
                     Udp{.checksum = 0};
    CHECK(ip[6] == 0);
    CHECK_THAT(Bytes(ip.begin() + 40, ip.end()),
               equals(from_hex("2b 00 0104 00000000"
                               "3c 02 04 01 00000000 20010db8000000000000000000000005"
                               "2c 00 0103000000 00"
                               "11 00 0019 00000009"
                               "3039 0035 0008 0000")));
}

TEST_CASE("packet: other protocols have their numbers and lengths") {
    CHECK((IPv4{} / Esp{} / Payload("xx")).bytes()[9] == 50);
    const Bytes ah = IPv4{} / Ah{} / Tcp{};
    CHECK(ah[9] == 51);
    CHECK(ah[20] == 6);
    CHECK(ah[21] == 4); // 24 bytes: 6 words minus 2
    CHECK_THAT((Gre{.key = 5} / IPv4{}).truncated(8), equals(from_hex("2000 0800 00000005")));
    CHECK((IPv4{} / IPv6{}).bytes()[9] == 41);
    CHECK((IPv4{} / Sctp{.checksum = 0x01020304}).bytes()[28] == 1);
    const Bytes sctp = Sctp{.sport = 1, .dport = 2} / Payload("1234");
    Bytes zeroed = sctp;
    set16(zeroed, 8, 0);
    set16(zeroed, 10, 0);
    Bytes sum;
    put32(sum, crc32c(zeroed));
    CHECK_THAT(Bytes(sctp.begin() + 8, sctp.begin() + 12), equals(sum));
}

TEST_CASE("packet: an ICMP error quotes a packet") {
    const Bytes quoted = IPv4{} / Udp{};
    const Bytes error =
        IPv4{.src = "203.0.113.1", .dst = "192.0.2.10"} / icmp_fragmentation_needed(1400) / IPv4{} / Udp{};
    CHECK(error[20] == 3);
    CHECK(error[21] == 4);
    CHECK(error[26] == 0x05);
    CHECK(error[27] == 0x78);
    CHECK(internet_checksum(ByteView(error).subspan(20)) == 0);
    CHECK_THAT(Bytes(error.begin() + 28, error.end()), equals(quoted));
}

TEST_CASE("packet: explicit values are used unchanged") {
    const Bytes ip = IPv4{.ip_proto = std::uint8_t{99},
                          .total_length = std::uint16_t{7},
                          .checksum = std::uint16_t{0xabcd},
                          .header_words = std::uint8_t{4},
                          .version = 5} /
                     Udp{.length = std::uint16_t{3}, .checksum = std::uint16_t{0x1234}};
    CHECK(ip[0] == 0x54);
    CHECK(ip[3] == 7);
    CHECK(ip[9] == 99);
    CHECK(to_hex(ByteView(ip).subspan(10, 2)) == "abcd");
    CHECK(to_hex(ByteView(ip).subspan(24, 4)) == "00031234");

    const Bytes geneve = Geneve{.options = {{.option_type = 0x81, .value = {1, 2, 3, 4}, .words = 9}},
                                .vni = 0x010203,
                                .version = 1,
                                .control = true,
                                .critical = true,
                                .eth_proto = std::uint16_t{0x6558},
                                .option_words = std::uint8_t{63},
                                .reserved = 1} /
                         Packet{};
    CHECK_THAT(geneve, equals(from_hex("7f c1 6558 010203 00 0108 81 09 01020304")));
}

TEST_CASE("packet: truncated and padded frames") {
    CHECK((Eth{} / IPv4{} / Tcp{}).truncated(30).size() == 30);
    CHECK((Eth{} / IPv4{} / Udp{}).padded_to(60).size() == 60);
}

TEST_CASE("packet: fragments reassemble to the packet") {
    const Bytes whole = IPv4{.id = 77} / Udp{} / Payload(std::size_t{100});
    const auto pieces = fragments_of(whole, 48);
    REQUIRE(pieces.size() == 3);
    Bytes body;
    for (const auto &piece : pieces) {
        CHECK(internet_checksum(ByteView(piece).subspan(0, 20)) == 0);
        body = std::move(body) + ByteView(piece).subspan(20);
    }
    CHECK_THAT(body, equals(Bytes(whole.begin() + 20, whole.end())));
    CHECK(to_hex(ByteView(pieces[1]).subspan(6, 2)) == "2006");
    CHECK(to_hex(ByteView(pieces[2]).subspan(6, 2)) == "000c");
    CHECK_THROWS_AS(fragments_of(whole, 50), std::invalid_argument);
}

TEST_CASE("packet: invalid addresses are rejected") {
    CHECK_THROWS_AS(Mac("02:00:00:00:00"), std::invalid_argument);
    CHECK_THROWS_AS(Ip4("192.0.2"), std::invalid_argument);
    CHECK_THROWS_AS(Ip6("192.0.2.1"), std::invalid_argument);
}
