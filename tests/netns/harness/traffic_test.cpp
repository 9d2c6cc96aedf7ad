#include "tests/harness/catch_bytes.h"
#include "tests/harness/packet.h"
#include "tests/harness/skip.h"
#include "tests/harness/traffic.h"

using namespace glb::test;
using namespace std::chrono_literals;

namespace {

// Two hosts connected by a veth, with addresses of both IP versions.
struct Wire {
    Wire() : left("left"), right("right") {
        veth(left, "cli0", right, "srv0");
        left.address("cli0", "192.0.2.1/24");
        right.address("srv0", "192.0.2.2/24");
        left.address("cli0", "2001:db8::1/64");
        right.address("srv0", "2001:db8::2/64");
    }
    Namespace left, right;
};

} // namespace

TEST_CASE("Sniffer: a sent frame is captured at both ends with its VLAN tag") {
    need_root();
    const Wire wire;
    Sniffer near(wire.left, "cli0"), far(wire.right, "srv0");
    const Bytes frame = Eth{} / Vlan{100} / IPv4{} / Udp{} / Payload("hello");
    send_frame(wire.left, "cli0", frame);
    const auto is_frame = [&](const Sniffer::Frame &seen) { return seen.bytes == frame; };
    REQUIRE(far.wait_for(is_frame, 2s));
    REQUIRE(near.wait_for(is_frame, 2s));
    const auto outgoing = [&](Sniffer &sniffer) {
        for (const auto &seen : sniffer.frames())
            if (is_frame(seen))
                return seen.outgoing;
        return false;
    };
    CHECK(outgoing(near));
    CHECK_FALSE(outgoing(far));
    CHECK_FALSE(far.wait_for([](const auto &seen) { return seen.bytes.empty(); }, 50ms));
}

TEST_CASE("http_get: downloads from nginx are intact over IPv4 and IPv6 with an XDP program attached") {
    need_root();
    const Wire wire;
    const auto pass = with_xdp_pass(wire.right, "srv0");
    const Nginx nginx(wire.right, {"80", "[::]:80"}, 3'000'001);
    for (const std::string url : {"http://192.0.2.2/file", "http://[2001:db8::2]/file"}) {
        const auto answer = http_get(wire.left, url);
        INFO(url << " " << answer.error);
        CHECK(answer.code == 200);
        CHECK(answer.bytes == 3'000'001);
        CHECK(answer.sha256 == nginx.sha256());
    }
    CHECK(http_get(wire.left, "http://192.0.2.2/none").code == 404);
    const auto none = http_get(wire.left, "http://192.0.2.2:81/", 2s);
    CHECK(none.code == 0);
    CHECK(none.error.find("curl exit 7") != std::string::npos);
}

TEST_CASE("veth(): TCP segments of a namespace have complete checksums") {
    need_root();
    const Wire wire;
    Sniffer far(wire.right, "srv0");
    (void)http_get(wire.left, "http://192.0.2.2:81/", 2s);
    std::uint16_t sum = 1;
    REQUIRE(far.wait_for(
        [&](const Sniffer::Frame &seen) {
            const auto &b = seen.bytes;
            if (seen.outgoing || b.size() < 54 || b[12] != 8 || b[13] != 0 || b[23] != 6)
                return false;
            Bytes pseudo(b.begin() + 26, b.begin() + 34);
            put16(pseudo, 6);
            const std::size_t length = (static_cast<std::size_t>(b[16]) << 8 | b[17]) - 20;
            put16(pseudo, static_cast<std::uint16_t>(length));
            sum = internet_checksum(pseudo + ByteView(b).subspan(34, length));
            return true;
        },
        2s));
    CHECK(sum == 0);
}

TEST_CASE("sha256_of: known test vector") {
    CHECK(sha256_of(from_string("abc")) ==
          "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}
