// The whole path, fed with anything: above all what claims to come from a target. Whatever is forwarded is a
// complete IP packet of a flow that its sender owns, as the sender sent it but for TTL and ECN; what is
// refused leaves no trace.
//     input: four bytes of control (flows.h), then what stands behind the front that they choose
#include <algorithm>
#include <cstring>
#include <numeric>

#include <linux/bpf.h>

#include "tests/fuzz/must.h"
#include "tests/fuzz/path/flows.h"

namespace {

using namespace glb;
using namespace glb::fuzz;
using test::Bytes;
using test::NativeOutcome;

struct State {
    test::NativeRig rig;
    std::vector<Flow> flows = enter_flows(rig);
};
State &state() {
    static State state;
    return state;
}

struct Input {
    Control control;
    Bytes frame;
    Bytes metadata;
    test::Driver driver;
};

using View = std::span<const std::uint8_t>;

std::size_t word_at(View bytes, std::size_t at) {
    return static_cast<std::size_t>(bytes[at] << 8 | bytes[at + 1]);
}

Bytes front_of(const Control &control, const Bytes &rest) {
    if (control.front % 4 == front_nothing)
        return rest;
    if (control.front % 4 != front_flow)
        return from_target(control.front % 4 - 1u, rest);
    const auto &flows = state().flows;
    const auto &flow = flows[control.front / 4 % flows.size()];
    Bytes geneve(flow.sent.begin() + geneve_at, flow.sent.begin() + inner_at);
    geneve.insert(geneve.end(), rest.begin(), rest.end());
    return from_target(flow.target, geneve);
}

Input read(const std::uint8_t *data, std::size_t size) {
    Input input;
    input.control = {data[0], data[1], data[2], data[3]};
    input.frame = front_of(input.control, Bytes(data + control_bytes, data + size));
    if (input.control.linear)
        input.driver.linear = std::size_t{14} + input.control.linear * 2u;
    input.driver.has_metadata = !(input.control.driver & driver_no_metadata);
    if (input.control.driver & driver_little_headroom)
        input.driver.headroom = 2;
    if ((input.control.driver & driver_forged_metadata) && !(input.control.driver & driver_no_metadata))
        input.metadata.assign(12, 0x5e), input.driver.headroom = 192;
    return input;
}

/// What the table knows a flow by; empty where the packet does not parse.
std::vector<std::uint32_t> key_of(View packet) {
    const bool six = packet[0] >> 4 == 6;
    Bytes frame(14);
    test::set16(frame, 12, six ? 0x86dd : 0x0800);
    frame.insert(frame.end(), packet.begin(), packet.end());
    const auto parsed = state().rig.parse(frame);
    if (parsed.ip != 0)
        return {};
    std::vector<std::uint32_t> key(parsed.ends, parsed.ends + 8);
    key.insert(key.end(), {parsed.family, parsed.tuple_proto, parsed.low_port, parsed.high_port});
    return key;
}

struct Answer {
    NativeOutcome outcome;
    std::vector<std::uint64_t> counters, drops;
    bool tables_changed = false;
    bool operator==(const Answer &) const = default;
};

std::vector<std::uint64_t> packets(std::string_view map) {
    std::vector<std::uint64_t> result;
    for (const auto &row : state().rig.kernel.rows<glb_count>(map))
        result.push_back(row.packets);
    return result;
}

Answer run(const Input &input) {
    auto &rig = state().rig;
    rig.kernel.restore();
    rig.kernel.fib = nullptr;
    if (input.control.egress % 4 < 3)
        rig.route_by(input.control.egress % 4);
    rig.kernel.rows<glb_group>("glb_groups")[2].flags =
        input.control.driver & driver_strict_cookie ? GLB_GROUP_STRICT_COOKIE : 0;
    Answer answer;
    answer.outcome = rig.send(input.frame, input.driver, input.metadata);
    answer.counters = packets("glb_counters");
    answer.drops = packets("glb_drops");
    const auto changed = [&](const char *map) { return rig.kernel.changed(map); };
    answer.tables_changed = changed("glb_flows_hot") || changed("glb_flows_cold") || changed("glb_stamps");
    return answer;
}

/// What became of the packet: one thing, and the code says the same.
glb_counter fate(const Answer &answer) {
    constexpr glb_counter fates[] = {GLB_COUNT_ENCAPSULATED, GLB_COUNT_FORWARDED, GLB_COUNT_PUNTED,
                                     GLB_COUNT_LOCAL, GLB_COUNT_PASSED_OTHER};
    auto sum = std::accumulate(answer.drops.begin(), answer.drops.end(), std::uint64_t{0});
    auto found = GLB_COUNT_MAX; // dropped
    for (const auto counter : fates) {
        sum += answer.counters[counter];
        if (answer.counters[counter])
            found = counter;
    }
    must(sum == 1, "every packet is counted once, by what became of it");
    const bool redirected = found == GLB_COUNT_ENCAPSULATED || found == GLB_COUNT_FORWARDED;
    const int code = found == GLB_COUNT_MAX ? XDP_DROP : redirected ? XDP_REDIRECT : XDP_PASS;
    must(answer.outcome.code == code, "the code says what is counted");
    must(answer.outcome.ifindex.has_value() == redirected, "redirects go somewhere");
    return found;
}

/// Where things stand in a frame, read here once more, by hand.
struct Places {
    std::size_t ip = 14;
    std::size_t inner = 0; ///< behind IP, UDP and GENEVE, where the frame has them
};
Places places_of(View frame) {
    const auto tagged = [&](std::size_t at) {
        return word_at(frame, at) == 0x8100 || word_at(frame, at) == 0x88a8;
    };
    Places places;
    while (places.ip < 22 && tagged(places.ip - 2))
        places.ip += 4;
    if (places.ip >= frame.size())
        return places;
    const auto geneve = places.ip + (frame[places.ip] & 0xf) * 4u + 8;
    if (geneve < frame.size())
        places.inner = geneve + 8 + (frame[geneve] & 0x3f) * 4u;
    return places;
}

/// The packet that begins at `at`: complete, nothing behind it, and of the Ethertype that stands at
/// `type_at`.
View whole_packet(View frame, std::size_t at, std::size_t type_at) {
    must(frame.size() >= at + 20, "there is room for an IP header");
    const auto packet = frame.subspan(at);
    const bool six = word_at(frame, type_at) == 0x86dd;
    must(six || word_at(frame, type_at) == 0x0800, "the Ethertype is IP's");
    must(packet[0] >> 4 == (six ? 6 : 4), "and the packet is of this version");
    must((six ? word_at(packet, 4) + 40 : word_at(packet, 2)) == packet.size(),
         "a whole packet and nothing behind it");
    return packet;
}

/// All of the packet as it was but for TTL, ECN, and the header checksum that follows from them.
void check_same(View before, View after, unsigned ttl_less) {
    const bool six = after[0] >> 4 == 6;
    Bytes expected(before.begin(), before.begin() + static_cast<long>(after.size()));
    const std::size_t ttl = six ? 7 : 8;
    const std::uint8_t ecn = six ? 0x30 : 0x03;
    must(after[ttl] + ttl_less == expected[ttl], "the TTL moved as it should");
    expected[ttl] = after[ttl];
    expected[1] = static_cast<std::uint8_t>((expected[1] & ~ecn) | (after[1] & ecn));
    if (!six) {
        const std::size_t header = (after[0] & 0xf) * 4u;
        if (test::internet_checksum(before.first(header)) == 0)
            must(test::internet_checksum(after.first(header)) == 0, "a right header checksum stays right");
        expected[10] = after[10];
        expected[11] = after[11];
    }
    must(std::ranges::equal(expected, after), "the packet is the one that was sent");
}

/// The sender is a target, by address and MAC, and the flow is one that went to it.
void check_owner(const Input &input, const Answer &answer, View inner) {
    const auto ip = places_of(input.frame).ip;
    const auto last = input.frame.at(ip + 15);
    must(input.frame.at(ip + 12) == 10 && (last == 20 || last == 21), "the sender's address is a target's");
    const unsigned sender = last - 20u;
    must(input.frame.at(10) == 1 && input.frame.at(11) == 0x11 + sender, "the sender's MAC is that target's");
    if (answer.counters[GLB_COUNT_RETURN_UNTRACKED])
        return; // known by a stamp, which it may share with some other flow
    const auto key = key_of(inner);
    must(std::ranges::any_of(
             state().flows,
             [&](const Flow &flow) { return flow.target == sender && key_of(flow.inner) == key; }),
         "the flow went out, and to this target");
}

void check_forwarded(const Input &input, const Answer &answer, bool by_door) {
    const View frame = answer.outcome.frame;
    const unsigned tags = by_door ? 0 : input.control.egress % 4u;
    const auto packet = whole_packet(frame, 14 + tags * 4, 12 + tags * 4);
    const auto inner = View(input.frame).subspan(places_of(input.frame).inner);
    must(inner.size() >= packet.size(), "no more came out than went in");
    check_same(inner, packet, by_door ? 0 : 1);
    check_owner(input, answer, packet);
    const Bytes door = test::from_hex("ed5eed5e03000000"); // magic and endpoint, as this machine has them
    must(answer.outcome.metadata == (by_door ? door : input.metadata), "metadata is the door's alone");
}

void check_encapsulated(const Input &input, const Answer &answer) {
    const View frame = answer.outcome.frame;
    const auto outer = whole_packet(frame, outer_at, outer_at - 2);
    must(test::internet_checksum(outer.first(20)) == 0, "the outer checksum is right");
    must(word_at(outer, 24) == outer.size() - 20, "UDP is as long as what it carries");
    const auto inner = whole_packet(frame, inner_at, geneve_at + 2);
    const auto before = View(input.frame).subspan(places_of(input.frame).ip);
    must(before.size() >= inner.size() && std::ranges::equal(before.first(inner.size()), inner),
         "the tunnel carries the packet as it came");
}

void check_fate(const Input &input, const Answer &answer) {
    switch (fate(answer)) {
    case GLB_COUNT_FORWARDED:
        return check_forwarded(input, answer, false);
    case GLB_COUNT_PUNTED:
        return check_forwarded(input, answer, true);
    case GLB_COUNT_ENCAPSULATED:
        return check_encapsulated(input, answer);
    case GLB_COUNT_LOCAL:
    case GLB_COUNT_PASSED_OTHER:
        must(answer.outcome.frame == input.frame, "what goes up is untouched");
        must(answer.outcome.metadata.empty(), "and brings no metadata along");
        break;
    default:
        break;
    }
    bool refused = false;
    for (int reason = GLB_DROP_UNKNOWN_SENDER; reason <= GLB_DROP_COOKIE_MISMATCH; ++reason)
        refused |= answer.drops[reason] != 0;
    must(!refused || !answer.tables_changed, "what is refused leaves no trace in the tables");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    if (size < control_bytes || size > 4096)
        return 0;
    const auto input = read(data, size);
    const auto answer = run(input);
    check_fate(input, answer);
    must(run(input) == answer, "one frame, one answer");
    return 0;
}
