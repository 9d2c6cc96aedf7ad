// Parses and classifies arbitrary frames: lengths stay within the frame, bytes behind the packet do not
// affect the result, and the flow's key is equal in both directions.
//     input: byte 0: 0, or the length of the linear part; byte 1: bits below; then the frame
#include <algorithm>
#include <cstring>

#include "tests/fuzz/must.h"
#include "tests/native/native_rig.h"

namespace {

using namespace glb;
using fuzz::must;
using test::Bytes;

constexpr unsigned by_tunnel = 1; // else on an endpoint's port
constexpr unsigned giant = 0xf0;  // all four: fragments of more than 65535 bytes

struct Input {
    Bytes frame;
    test::Driver driver;
    bool tunnel = false;
};

enum { ok = 0, too_short = 2 };
enum { tcp = 6, udp = 17 };

native_parsed parse(const Bytes &bytes, const Input &input) {
    static test::NativeRig rig;
    return rig.parse(bytes, input.tunnel ? GLB_PORT_TUNNEL : GLB_PORT_ENDPOINT, input.driver);
}

bool equal(const native_parsed &a, const native_parsed &b) {
    return std::memcmp(&a, &b, sizeof a) == 0;
}

std::size_t word_at(const Bytes &bytes, std::size_t at) {
    return static_cast<std::size_t>(bytes.at(at) << 8 | bytes.at(at + 1));
}

void check_lengths(const Input &input, const native_parsed &parsed) {
    const auto linear = std::min(input.frame.size(), input.driver.linear);
    must(parsed.l2_len == 14 || parsed.l2_len == 18 || parsed.l2_len == 22, "Ethernet and at most two tags");
    must(parsed.l2_len <= linear, "tags are within the linear part");
    must(parsed.vlan[0] < 4096 && parsed.vlan[1] < 4096, "VLAN ids have 12 bits");
    must(parsed.vlan[0] || !parsed.vlan[1], "the first id is the outer one");
    must(parsed.ip != too_short || linear < input.frame.size() || linear > 512,
         "GLB_PARSE_SHORT means that the linear part is too short");
    if (parsed.ip != ok)
        return;
    must(parsed.l2_len + parsed.l3_len <= input.frame.size(), "the packet ends within the frame");
    const bool six = parsed.family == 6;
    must(six == (parsed.eth_proto == 0x86dd) && (six || parsed.family == 4),
         "the family matches the Ethertype");
    must(parsed.l3_len >= (six ? 40 : 20), "the length includes the header");
    const auto length =
        six ? word_at(input.frame, parsed.l2_len + 4) + 40 : word_at(input.frame, parsed.l2_len + 2);
    must(parsed.l3_len == length, "the length is that of the header");
}

void check_kind(const Input &input, const native_parsed &parsed) {
    const bool fragment = parsed.flags & native_fragment, error = parsed.flags & native_icmp_error;
    must(!fragment || (parsed.flags == native_fragment && !parsed.sport && !parsed.dport),
         "a fragment has addresses and protocol only");
    must(fragment || ((parsed.flags & native_tcp) != 0) == (parsed.ip_proto == tcp),
         "the TCP flag matches the protocol");
    must(!(parsed.flags & native_payload) || (parsed.flags & native_tcp), "only TCP has the payload flag");
    must(!error || parsed.ip_proto == (parsed.family == 4 ? 1u : 58u), "only ICMP has errors");
    must(parsed.orientation <= 1, "there are two orientations");
    const bool lower =
        std::lexicographical_compare(parsed.ends + 4, parsed.ends + 8, parsed.ends, parsed.ends + 4);
    must(!lower, "the tuple is in canonical order");
    must(parsed.packet_class != native_class_return || input.tunnel,
         "returned packets are received on the tunnel's port");
    must(parsed.packet_class != native_class_spoofed || !input.tunnel,
         "spoofed packets are received on any other");
    must(parsed.packet_class != native_class_endpoint || !input.tunnel,
         "the tunnel's port is not an endpoint's");
}

/// Bytes behind the packet do not affect the result, whether they are absent or arbitrary.
void check_tail(const Input &input, const native_parsed &parsed) {
    auto exact = input.frame;
    exact.resize(parsed.l2_len + parsed.l3_len);
    must(equal(parse(exact, input), parsed), "the result is the same without the bytes behind the packet");
    exact.insert(exact.end(), 64, 0x45);
    must(equal(parse(exact, input), parsed), "padding does not change the result");
}

/// The packet in the opposite direction has the same key in the other orientation.
void check_reverse(const Input &input, const native_parsed &there) {
    const auto ip = input.frame.begin() + there.l2_len;
    const bool six = there.family == 6;
    const std::size_t header = six ? 40 : (*ip & 0xf) * 4u;
    const unsigned proto = *(ip + (six ? 6 : 9));
    if ((proto != tcp && proto != udp) || (there.flags & native_fragment))
        return;
    auto frame = input.frame;
    const auto swap = [&](std::size_t at, std::size_t size) {
        const auto begin = frame.begin() + static_cast<long>(there.l2_len + at),
                   middle = begin + static_cast<long>(size);
        std::swap_ranges(begin, middle, middle);
    };
    six ? swap(8, 16) : swap(12, 4);
    swap(header, 2);
    const auto back = parse(frame, input);
    must(back.ip == ok, "both directions parse");
    must(std::equal(there.ends, there.ends + 8, back.ends) && there.low_port == back.low_port &&
             there.high_port == back.high_port && there.tuple_proto == back.tuple_proto,
         "both directions have the same key");
    const bool same_ends =
        std::equal(there.ends, there.ends + 4, there.ends + 4) && there.sport == there.dport;
    must(same_ends || there.orientation != back.orientation, "both directions have different orientations");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    if (size < 2)
        return 0;
    Input input;
    input.frame.assign(data + 2, data + size);
    if (data[0])
        input.driver.linear = std::size_t{14} + data[0] * 2;
    input.tunnel = data[1] & by_tunnel;
    if ((data[1] & giant) == giant)
        input.frame.resize(input.frame.size() + 0x10100);
    const auto parsed = parse(input.frame, input);
    must(equal(parse(input.frame, input), parsed), "one frame, one answer");
    if (parsed.ethernet != ok) {
        must(std::min(input.frame.size(), input.driver.linear) < 22,
             "Ethernet and two tags are read where they are");
        return 0;
    }
    check_lengths(input, parsed);
    if (parsed.ip != ok)
        return 0;
    check_kind(input, parsed);
    check_tail(input, parsed);
    check_reverse(input, parsed);
    return 0;
}
