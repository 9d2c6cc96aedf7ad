// The data path writes the header template: another GENEVE layout changes bytes and offsets.
#include <catch2/catch.hpp>

#include <cstring>

#include <boost/endian/conversion.hpp>
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
tunnel::GeneveLayout layout_of(const std::vector<GeneveOption> &options) {
    tunnel::GeneveLayout layout;
    layout.header = Packet(Geneve{.options = options}).bytes();
    std::memset(&layout.header[tunnel::geneve_protocol_offset], 0, 2);
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
void set_layout(NativeRig &rig, const std::vector<network::VlanTag> &tags,
                const tunnel::GeneveLayout &layout) {
    const network::Path path{1, {{2, 0, 0, 0, 0, 1}}, {{2, 0, 0, 0, 0, 9}}, tags, 1500};
    for (auto &row : rig.kernel.rows<glb_target>("glb_targets"))
        if (row.address_id)
            tunnel::write_header_template(
                row, path, {IpAddress::v4(row.source), IpAddress::v4(row.destination), 0, 6081}, layout);
}

/// AWS's options in another order, and one of another class with `extra` bytes.
std::vector<GeneveOption> rearranged(std::uint64_t endpoint, std::uint32_t cookie, std::size_t extra) {
    const auto aws = aws_options(endpoint, 0, cookie);
    return {aws[2], {.option_class = 0x1234, .option_type = 7, .value = Bytes(extra)}, aws[0], aws[1]};
}

} // namespace

TEST_CASE("header template: options in another order, with others between them", "[native]") {
    NativeRig rig;
    const auto tags = GENERATE(std::vector<network::VlanTag>{}, std::vector<network::VlanTag>{{9, 0x8100}},
                               std::vector<network::VlanTag>{{9, 0x88a8}, {5, 0x8100}});
    const std::size_t extra = GENERATE(0u, 4u, 16u);
    const auto *inner = GENERATE(&ping, &ping6);
    CAPTURE(tags.size(), extra);
    set_layout(rig, tags, layout_of(rearranged(0, 0, extra)));

    const auto out = rig.send(from_client(*inner));
    REQUIRE(out.code == XDP_REDIRECT);
    const auto l3 = 14 + 4 * tags.size();
    REQUIRE(out.frame.size() > l3 + 28 + 16);
    const auto cookie = boost::endian::load_big_u32(&out.frame[l3 + 28 + 12]);
    const auto entropy = boost::endian::load_big_u16(&out.frame[l3 + 20]);

    Packet expected = Eth{.dst = "02:00:00:00:00:09", .src = "02:00:00:00:00:01"};
    for (const auto &tag : tags)
        expected = expected / Vlan{.id = tag.id, .tpid = tag.eth_proto};
    expected = expected /
               IPv4{.src = "10.0.1.10",
                    .dst = out.frame[l3 + 19] == 20 ? "10.0.1.20" : "10.0.1.21",
                    .ttl = 64,
                    .tos = static_cast<std::uint8_t>(inner == &ping ? 1 : 0),
                    .df = true} /
               Udp{.sport = entropy, .dport = 6081, .checksum = 0} /
               Geneve{.options = rearranged(endpoint_id, cookie, extra)} / *inner;
    CHECK(difference(out.frame, expected.bytes()) == "");
    CHECK(entropy >= 0xc000);
    CHECK(cookie != 0);
}

TEST_CASE("header template: a length outside of its limits is not written", "[native]") {
    NativeRig rig;
    const int length = GENERATE(0, GLB_HEADER_MIN - 1, GLB_HEADER_MAX + 1, 255);
    for (auto &row : rig.kernel.rows<glb_target>("glb_targets"))
        row.header_len = static_cast<std::uint8_t>(length);
    const auto frame = from_client(ping);
    const auto out = rig.send(frame);
    CHECK(out.code == XDP_DROP);
    CHECK(rig.drops(GLB_DROP_NO_NEIGHBOUR) == 1);
}
