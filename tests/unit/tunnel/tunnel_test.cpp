// The serializer of outer headers: bytes, offsets and checksums.
#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <cstring>
#include <tuple>
#include <vector>

#include "controller/tunnel/header_template.h"
#include "lib/checksum.h"

using namespace glb;
using namespace glb::tunnel;
using Bytes = std::vector<std::uint8_t>;

namespace {

network::Path path_with(std::vector<network::VlanTag> tags) {
    return {7, {{2, 0, 0, 0, 0, 1}}, {{2, 0, 0, 0, 0, 2}}, std::move(tags), 1600};
}

const UdpFlow flow{*IpAddress::parse("10.0.1.10"), *IpAddress::parse("10.0.1.20"), 0, 6090};

Bytes header_of(const glb_target &row) {
    return {row.header, row.header + row.header_len};
}

} // namespace

TEST_CASE("tunnel: the AWS layout is 40 bytes with three options", "[tunnel]") {
    const auto &layout = aws_geneve();
    Bytes expected(40);
    expected[0] = 8; // words of options
    for (const auto &[at, type, words] : {std::tuple{8, 1, 2}, {20, 2, 2}, {32, 3, 1}}) {
        const auto option = expected.begin() + at;
        std::copy_n(std::array{1, 8, type, words}.begin(), 4, option);
    }
    CHECK(layout.header == expected);
    CHECK(layout.endpoint == 12);
    CHECK(layout.attachment == 24);
    CHECK(layout.cookie == 36);
}

TEST_CASE("tunnel: header template with up to two tags", "[tunnel]") {
    const auto tags = GENERATE(std::vector<network::VlanTag>{}, std::vector<network::VlanTag>{{7, 0x8100}},
                               std::vector<network::VlanTag>{{0x123, 0x88a8}, {7, 0x8100}});
    glb_target row{};
    write_header_template(row, path_with(tags), flow, aws_geneve());

    Bytes expected = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1};
    for (const auto &tag : tags)
        for (const auto word : {tag.eth_proto, tag.id})
            expected.insert(expected.end(),
                            {static_cast<std::uint8_t>(word >> 8), static_cast<std::uint8_t>(word)});
    const Bytes rest = {8,    0,                                             // ethertype
                        0x45, 0,  0,    0,    0,  0, 0x40, 0,                // length 0, DF
                        64,   17, 0,    0,    10, 0, 1,    10, 10, 0, 1, 20, // checksum 0
                        0,    0,  0x17, 0xca, 0,  0, 0,    0};               // source port 0, 6090, length 0
    expected.insert(expected.end(), rest.begin(), rest.end());
    const auto &geneve = aws_geneve().header;
    expected.insert(expected.end(), geneve.begin(), geneve.end());

    CHECK(header_of(row) == expected);
    CHECK(row.l3 == 14 + 4 * tags.size());
    CHECK(row.header_len == row.l3 + GLB_ENCAP_BYTES);
    CHECK(row.endpoint == row.l3 + 28 + 12);
    CHECK(row.attachment == row.l3 + 28 + 24);
    CHECK(row.cookie == row.l3 + 28 + 36);
    CHECK(row.ifindex == 7);
    CHECK(row.mtu == 1600);
    CHECK((row.flags & GLB_TARGET_RESOLVED) != 0);
}

TEST_CASE("tunnel: a length added to ip_sum gives a valid IPv4 checksum", "[tunnel]") {
    glb_target row{};
    write_header_template(row, path_with({}), flow, aws_geneve());
    auto *ip = row.header + row.l3;
    ip[1] = 2; // ECN
    ip[2] = 0x05, ip[3] = 0xdc;
    std::uint16_t words[2];
    std::memcpy(words, ip, sizeof words);
    std::uint16_t ecn = 0;
    reinterpret_cast<std::uint8_t *>(&ecn)[1] = 2;
    const auto checksum = glb_sum_fold(row.ip_sum + words[1] + ecn);
    std::memcpy(ip + 10, &checksum, sizeof checksum);
    CHECK(glb_sum_fold(add_words({ip, ipv4_bytes})) == 0);
}

TEST_CASE("tunnel: checksums of IPv4 and UDP, with an odd payload", "[tunnel]") {
    // Computed with scapy: IP(src="10.0.1.10", dst="10.0.1.20", flags="DF")/UDP(sport=1, dport=2)/b"abc"
    Bytes packet(ipv4_udp_bytes + 3);
    write_ipv4_udp(std::span(packet).first<ipv4_udp_bytes>(),
                   {*IpAddress::parse("10.0.1.10"), *IpAddress::parse("10.0.1.20"), 1, 2}, 3);
    std::copy_n("abc", 3, packet.begin() + ipv4_udp_bytes);
    set_checksums(packet);
    CHECK((packet[10] << 8 | packet[11]) == 0x24b1);
    CHECK((packet[26] << 8 | packet[27]) == 0x2555);
}
