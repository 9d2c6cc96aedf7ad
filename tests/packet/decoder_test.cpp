// An independent decoder reads the tunnel packets: tshark.
#include <catch2/catch.hpp>

#include <fstream>

#include <linux/bpf.h>
#include <unistd.h>

#include "tests/harness/process.h"
#include "tests/harness/skip.h"
#include "tests/packet/rig.h"

using namespace glb;
using namespace glb::test;

namespace {

/// Writes one frame as a capture file (pcap, link type Ethernet, little endian) and returns tshark's fields.
std::vector<std::string> decode(const Bytes &frame, const std::vector<std::string> &fields) {
    char path[] = "/tmp/glbt-decoder-XXXXXX";
    const Fd file(::mkstemp(path));
    REQUIRE(file.get() >= 0);
    const auto size = static_cast<std::uint32_t>(frame.size());
    const std::uint32_t words[] = {0xa1b2c3d4, 4u << 16 | 2, 0, 0, 65535, 1, 0, 0, size, size};
    {
        std::ofstream capture(path, std::ios::binary);
        capture.write(reinterpret_cast<const char *>(words), sizeof words);
        capture.write(reinterpret_cast<const char *>(frame.data()),
                      static_cast<std::streamsize>(frame.size()));
    }
    std::vector<std::string> argv{"tshark", "-n",
                                  "-r",     path,
                                  "-T",     "fields",
                                  "-E",     "separator=;",
                                  "-o",     "ip.check_checksum:TRUE",
                                  "-o",     "udp.check_checksum:TRUE"};
    for (const auto &field : fields)
        argv.insert(argv.end(), {"-e", field});
    const auto result = run_command(argv);
    ::unlink(path);
    INFO(result.output);
    REQUIRE(result.code == 0);
    auto lines = result.output;
    // For root, tshark prints a warning line first.
    if (const auto at = lines.rfind('\n', lines.size() - 2); at != std::string::npos)
        lines.erase(0, at + 1);
    std::vector<std::string> values(1);
    for (const char c : lines)
        if (c == ';')
            values.emplace_back();
        else if (c != '\n')
            values.back() += c;
    return values;
}

} // namespace

TEST_CASE("encap: tshark decodes the tunnel packet as intended", "[decoder]") {
    need_root();
    if (run_command({"tshark", "--version"}).code != 0)
        skip("tshark is not installed");
    Rig rig;
    const auto out = rig.send(
        (Eth{.dst = node_mac} / IPv4{} / Udp{.dport = 40000} / Payload{from_string("hello")}).bytes());
    REQUIRE(out.code == XDP_REDIRECT);
    const auto values =
        decode(out.frame, {"vlan.id", "ip.checksum.status", "udp.dstport", "geneve.version",
                           "geneve.proto_type", "geneve.vni", "geneve.option.class", "geneve.option.type",
                           "ip.src", "ip.dst", "udp.checksum.status", "_ws.malformed"});
    REQUIRE(values.size() == 12);
    const std::string target = out.frame.at(5) == target2_mac.bytes[5] ? "10.0.1.21" : "10.0.1.20";
    CHECK(values[0] == "7");
    CHECK(values[1] == "1,1"); // good, for both IP headers
    CHECK(values[2] == "6081,40000");
    CHECK(values[3] == "0");
    CHECK(values[4] == "0x0800");
    CHECK(values[5] == "0x000000");
    CHECK(values[6] == "0x0108,0x0108,0x0108");
    CHECK(values[7] == "0x01,0x02,0x03");
    CHECK(values[8] == "10.0.1.10,192.0.2.10");
    CHECK(values[9] == target + ",198.51.100.20");
    CHECK(values[10] == "3,1"); // none outside, good inside
    CHECK(values[11] == "");
}
