// The data path writes what the header template says: another GENEVE layout is other bytes and offsets.
#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <cstring>

#include <arpa/inet.h>
#include <linux/bpf.h>

#include "controller/tunnel/header_template.h"
#include "tests/harness/catch_bytes.h"
#include "tests/harness/packet.h"
#include "tests/native/native_rig.h"
#include "tests/native/sample.h"

using namespace glb;
using namespace glb::test;

namespace {

const Packet ping = IPv4{.tos = 1} / Udp{} / Payload{"a question"};
const Packet ping6 = IPv6{} / Udp{} / Payload{"a question"};

/// A layout of these options; their values are 0.
GeneveLayout layout_of(const std::vector<GeneveOption> &options) {
    GeneveLayout layout;
    layout.header = Packet(Geneve{.options = options}).bytes();
    std::memset(&layout.header[geneve_protocol_offset], 0, 2);
    std::size_t at = 8;
    for (const auto &option : options) {
        at += 4;
        if (option.option_type == 1)
            layout.endpoint = at;
        if (option.option_type == 2)
            layout.attachment = at;
        if (option.option_type == 3)
            layout.cookie = at;
        at += option.value.size();
    }
    return layout;
}

/// Gives both targets a header of this layout, over a path with these tags.
void set_layout(NativeRig &rig, const std::vector<VlanTag> &tags, const GeneveLayout &layout) {
    const Path path{1, {{2, 0, 0, 0, 0, 1}}, {{2, 0, 0, 0, 0, 9}}, tags, 1500};
    for (auto &row : rig.kernel.rows<glb_target>("glb_targets"))
        if (row.address_id)
            write_header_template(
                row, path, {IpAddress::v4(row.source), IpAddress::v4(row.destination), 0, 6081}, layout);
}

Bytes big_endian(std::uint64_t value, std::size_t bytes) {
    Bytes out;
    for (auto i = bytes; i-- > 0;)
        out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
    return out;
}

} // namespace

TEST_CASE("header template: options in another order, with others between them", "[native]") {
    NativeRig rig;
    const auto tags = GENERATE(std::vector<VlanTag>{}, std::vector<VlanTag>{{9, 0x8100}},
                               std::vector<VlanTag>{{9, 0x88a8}, {5, 0x8100}});
    const std::size_t extra = GENERATE(0u, 4u, 16u);
    const auto *inner = GENERATE(&ping, &ping6);
    CAPTURE(tags.size(), extra);
    std::vector<GeneveOption> options = {{.option_type = 3, .value = Bytes(4)},
                                         {.option_class = 0x1234, .option_type = 7, .value = Bytes(extra)},
                                         {.option_type = 1, .value = Bytes(8)},
                                         {.option_type = 2, .value = Bytes(8)}};
    set_layout(rig, tags, layout_of(options));

    const auto out = rig.send((Eth{.dst = "02:00:00:00:00:02"} / *inner).bytes());
    REQUIRE(out.code == XDP_REDIRECT);
    const auto l3 = 14 + 4 * tags.size();
    std::copy_n(out.frame.begin() + static_cast<long>(l3 + 28 + 12), 4, options[0].value.begin());
    options[2].value = big_endian(endpoint_id, 8);
    std::array<std::uint8_t, 4> destination{};
    std::copy_n(out.frame.begin() + static_cast<long>(l3 + 16), 4, destination.begin());
    const auto entropy = static_cast<std::uint16_t>(out.frame.at(l3 + 20) << 8 | out.frame.at(l3 + 21));

    Packet expected = Eth{.dst = "02:00:00:00:00:09", .src = "02:00:00:00:00:01"};
    for (const auto &tag : tags)
        expected = expected / Vlan{.id = tag.id, .tpid = tag.eth_proto};
    expected = expected /
               IPv4{.src = "10.0.1.10",
                    .dst = destination[3] == 20 ? "10.0.1.20" : "10.0.1.21",
                    .ttl = 64,
                    .tos = static_cast<std::uint8_t>(inner == &ping ? 1 : 0),
                    .df = true} /
               Udp{.sport = entropy, .dport = 6081, .checksum = 0} / Geneve{.options = options} / *inner;
    CHECK(difference(out.frame, expected.bytes()) == "");
    CHECK(entropy >= 0xc000);
    CHECK(options[0].value != Bytes(4)); // a cookie
}

TEST_CASE("header template: a length outside of its limits is not written", "[native]") {
    NativeRig rig;
    const int length = GENERATE(0, GLB_HEADER_MIN - 1, GLB_HEADER_MAX + 1, 255);
    for (auto &row : rig.kernel.rows<glb_target>("glb_targets"))
        row.header_len = static_cast<std::uint8_t>(length);
    const auto frame = (Eth{.dst = "02:00:00:00:00:02"} / ping).bytes();
    const auto out = rig.send(frame);
    CHECK(out.code == XDP_DROP);
    CHECK(rig.drops(GLB_DROP_NO_NEIGHBOUR) == 1);
}
