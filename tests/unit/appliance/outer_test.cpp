#include <cstring>

#include "appliance/outer.h"
#include "tests/harness/catch_bytes.h"
#include "tests/harness/golden.h"
#include "tests/harness/packet.h"

namespace glb::test {
namespace {

using namespace appliance;

/// The return path of the golden packet, with its addresses and ports.
ReturnPath golden_path(const test::Bytes &packet) {
    ReturnPath path;
    std::memcpy(&path.node_address, &packet[12], 4);
    std::memcpy(&path.local_address, &packet[16], 4);
    std::memcpy(&path.entropy_port, &packet[20], 2);
    std::memcpy(&path.port, &packet[22], 2);
    path.header_length = 40;
    std::copy(packet.begin() + 28, packet.begin() + 68, path.header.begin());
    return path;
}

test::Bytes carried(test::Bytes inner, std::uint8_t outer_tos) {
    propagate_ecn(inner, outer_tos);
    return inner;
}

} // namespace

TEST_CASE("outer header: equals that of the golden return packet") {
    const auto out = golden_out();
    auto expected = golden_return();
    expected.resize(28);
    expected[6] = 0x40; // DF and the appliance's TTL; the kernel writes the checksum
    expected[8] = 64;
    set16(expected, 10, 0);
    OuterHeader header;
    header.fill(0xff);
    write_outer(header, golden_path(out), appliance::Bytes(out).subspan(68));
    CHECK_THAT(test::Bytes(header.begin(), header.end()), equals(expected));
}

TEST_CASE("outer header: ECN and length of the inner packet, not its DSCP") {
    const auto path = golden_path(golden_out());
    const auto inner = GENERATE(test::Bytes(IPv4{.tos = 0xba} / Payload(1400)),
                                test::Bytes(IPv6{.traffic_class = 0xba} / Payload(1400)));
    OuterHeader header;
    write_outer(header, path, inner);
    CHECK(header[1] == 0x02);
    CHECK(load_be<std::uint16_t>(header, 2) == 68 + inner.size());
    CHECK(load_be<std::uint16_t>(header, 24) == 48 + inner.size());
}

TEST_CASE("ecn: congestion is copied to ECN-capable inner packets") {
    const auto v4 = [](std::uint8_t tos, std::uint16_t id = 0) -> test::Bytes {
        return IPv4{.tos = tos, .id = id} / Udp{} / Payload("hi");
    };
    const auto v6 = [](std::uint8_t traffic) -> test::Bytes {
        return IPv6{.traffic_class = traffic} / Tcp{};
    };
    CHECK_THAT(carried(v4(0x02), 0x03), equals(v4(0x03)));
    CHECK_THAT(carried(v4(0xb9), 0x03), equals(v4(0xbb)));
    CHECK_THAT(carried(v6(0xb9), 0x03), equals(v6(0xbb)));
    CHECK_THAT(carried(v6(0x02), 0xff), equals(v6(0x03)));
    for (const auto outer_tos : std::initializer_list<std::uint8_t>{0x00, 0x01, 0x02, 0xfc}) // no congestion
        CHECK_THAT(carried(v4(0x02), outer_tos), equals(v4(0x02)));
    CHECK_THAT(carried(v4(0x00), 0x03), equals(v4(0x00))); // not ECN-capable
    CHECK_THAT(carried(v6(0x00), 0x03), equals(v6(0x00)));
    CHECK_THAT(carried(v4(0x03), 0x03), equals(v4(0x03)));
}

TEST_CASE("ecn: the IPv4 checksum is updated correctly") {
    for (unsigned id = 0; id <= 0xffff; ++id) {
        const test::Bytes before = Packet(IPv4{.tos = 0x01, .id = static_cast<std::uint16_t>(id)});
        const auto after = carried(before, 0x03);
        if (internet_checksum(after) != 0 || after[1] != 0x03)
            FAIL("id " << id);
    }
}

} // namespace glb::test
