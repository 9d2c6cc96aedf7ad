// The whole data path with arbitrary frames, mostly frames that appear to be returned by a target. Every forwarded
// packet is a complete IP packet of a flow that its sender owns, unchanged except for TTL and ECN. A dropped
// packet changes no state.
//     input: four bytes of control (flows.h), then the bytes behind the headers that they select
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

/// Offsets in a frame, found independently of the parser under test.
struct Offsets {
    std::size_t ip = 14;
    std::size_t inner = 0; ///< behind IP, UDP and GENEVE, if the frame has them
};
Offsets offsets_of(View frame) {
    const auto tagged = [&](std::size_t at) {
        return word_at(frame, at) == 0x8100 || word_at(frame, at) == 0x88a8;
    };
    Offsets offsets;
    while (offsets.ip < 22 && offsets.ip <= frame.size() && tagged(offsets.ip - 2))
        offsets.ip += 4;
    if (offsets.ip >= frame.size())
        return offsets;
    const auto geneve = offsets.ip + (frame[offsets.ip] & 0xf) * 4u + 8;
    if (geneve < frame.size())
        offsets.inner = geneve + 8 + (frame[geneve] & 0x3f) * 4u;
    return offsets;
}

/// Corrects the checksum of an IPv4 header at `at`: arbitrary ones would end almost every run.
void repair_checksum(Bytes &frame, std::size_t at) {
    const std::size_t header = at < frame.size() ? (frame[at] & 0xf) * 4u : 0;
    if (header < 20 || frame[at] >> 4 != 4 || at + header > frame.size())
        return;
    test::set16(frame, at + 10, 0);
    test::set16(frame, at + 10, test::internet_checksum(View(frame).subspan(at, header)));
}

Input read(const std::uint8_t *data, std::size_t size) {
    Input input;
    input.control = {data[0], data[1], data[2], data[3]};
    input.frame = front_of(input.control, Bytes(data + control_bytes, data + size));
    if (!(input.control.driver & driver_any_checksum)) {
        repair_checksum(input.frame, offsets_of(input.frame).ip);
        if (const auto inner = offsets_of(input.frame).inner)
            repair_checksum(input.frame, inner);
    }
    if (input.control.linear)
        input.driver.linear = std::size_t{14} + input.control.linear * 2u;
    input.driver.has_metadata = !(input.control.driver & driver_no_metadata);
    if (input.control.driver & driver_little_headroom)
        input.driver.headroom = 2;
    if ((input.control.driver & driver_forged_metadata) && !(input.control.driver & driver_no_metadata))
        input.metadata.assign(12, 0x5e), input.driver.headroom = 192;
    return input;
}

/// The key of the packet's flow; empty if it does not parse.
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

/// The packet has exactly one outcome, and the XDP code agrees with it.
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
    must(sum == 1, "every packet is counted as one outcome");
    const bool redirected = found == GLB_COUNT_ENCAPSULATED || found == GLB_COUNT_FORWARDED;
    const int code = found == GLB_COUNT_MAX ? XDP_DROP : redirected ? XDP_REDIRECT : XDP_PASS;
    must(answer.outcome.code == code, "the XDP code agrees with the counter");
    must(answer.outcome.ifindex.has_value() == redirected, "a redirect has an interface");
    return found;
}

/// The packet at `at` is complete, nothing follows it, and the Ethertype at `type_at` matches.
View whole_packet(View frame, std::size_t at, std::size_t type_at) {
    must(frame.size() >= at + 20, "an IP header fits");
    const auto packet = frame.subspan(at);
    const bool six = word_at(frame, type_at) == 0x86dd;
    must(six || word_at(frame, type_at) == 0x0800, "the Ethertype is that of IP");
    must(packet[0] >> 4 == (six ? 6 : 4), "the IP version matches the Ethertype");
    must((six ? word_at(packet, 4) + 40 : word_at(packet, 2)) == packet.size(),
         "the packet is complete and nothing follows it");
    return packet;
}

/// The packet is unchanged except for TTL, ECN and the IPv4 checksum.
void check_same(View before, View after, unsigned ttl_less) {
    const bool six = after[0] >> 4 == 6;
    Bytes expected(before.begin(), before.begin() + static_cast<long>(after.size()));
    const std::size_t ttl = six ? 7 : 8;
    const std::uint8_t ecn = six ? 0x30 : 0x03;
    must(after[ttl] + ttl_less == expected[ttl], "the TTL is decremented as expected");
    expected[ttl] = after[ttl];
    expected[1] = static_cast<std::uint8_t>((expected[1] & ~ecn) | (after[1] & ecn));
    if (!six) {
        const std::size_t header = (after[0] & 0xf) * 4u;
        must(test::internet_checksum(before.first(header)) == 0, "a wrong header checksum is not forwarded");
        must(test::internet_checksum(after.first(header)) == 0, "a correct header checksum stays correct");
        expected[10] = after[10];
        expected[11] = after[11];
    }
    must(std::ranges::equal(expected, after), "the packet is unchanged");
}

/// The sender is a target, by address and MAC, and owns the flow.
void check_owner(const Input &input, const Answer &answer, View inner) {
    const auto ip = offsets_of(input.frame).ip;
    const auto last = input.frame.at(ip + 15);
    must(input.frame.at(ip + 12) == 10 && (last == 20 || last == 21), "the sender has a target's address");
    const unsigned sender = last - 20u;
    must(input.frame.at(10) == 1 && input.frame.at(11) == 0x11 + sender, "the sender has that target's MAC");
    if (answer.counters[GLB_COUNT_RETURN_UNTRACKED])
        return; // accepted by its stamp, which another flow may share
    const auto key = key_of(inner);
    must(std::ranges::any_of(
             state().flows,
             [&](const Flow &flow) { return flow.target == sender && key_of(flow.inner) == key; }),
         "the flow was sent to this target");
}

void check_forwarded(const Input &input, const Answer &answer, bool punted) {
    const View frame = answer.outcome.frame;
    const unsigned tags = punted ? 0 : input.control.egress % 4u;
    const auto packet = whole_packet(frame, 14 + tags * 4, 12 + tags * 4);
    const auto inner = View(input.frame).subspan(offsets_of(input.frame).inner);
    must(inner.size() >= packet.size(), "the packet did not grow");
    check_same(inner, packet, punted ? 0 : 1);
    check_owner(input, answer, packet);
    const Bytes metadata = test::from_hex("ed5eed5e03000000"); // magic and endpoint, in host order
    must(answer.outcome.metadata == (punted ? metadata : Bytes{}), "only a punted packet has metadata");
}

void check_encapsulated(const Input &input, const Answer &answer) {
    const View frame = answer.outcome.frame;
    const auto outer = whole_packet(frame, outer_at, outer_at - 2);
    must(test::internet_checksum(outer.first(20)) == 0, "the outer checksum is correct");
    must(word_at(outer, 24) == outer.size() - 20, "the UDP length matches its payload");
    const auto inner = whole_packet(frame, inner_at, geneve_at + 2);
    const auto before = View(input.frame).subspan(offsets_of(input.frame).ip);
    must(before.size() >= inner.size() && std::ranges::equal(before.first(inner.size()), inner),
         "the inner packet is unchanged");
}

void check_outcome(const Input &input, const Answer &answer) {
    switch (fate(answer)) {
    case GLB_COUNT_FORWARDED:
        return check_forwarded(input, answer, false);
    case GLB_COUNT_PUNTED:
        return check_forwarded(input, answer, true);
    case GLB_COUNT_ENCAPSULATED:
        return check_encapsulated(input, answer);
    case GLB_COUNT_LOCAL:
    case GLB_COUNT_PASSED_OTHER:
        must(answer.outcome.frame == input.frame, "a passed frame is unchanged");
        must(answer.outcome.metadata.empty(), "a passed frame has no metadata");
        break;
    default:
        break;
    }
    bool dropped = false;
    for (int reason = GLB_DROP_UNKNOWN_SENDER; reason <= GLB_DROP_COOKIE_MISMATCH; ++reason)
        dropped |= answer.drops[reason] != 0;
    for (const auto reason : {GLB_DROP_MARTIAN, GLB_DROP_BAD_CHECKSUM, GLB_DROP_APPLIANCE_OFFLOAD})
        dropped |= answer.drops[reason] != 0;
    must(!dropped || !answer.tables_changed, "a dropped packet does not change the flow table");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    if (size < control_bytes || size > 4096)
        return 0;
    const auto input = read(data, size);
    const auto answer = run(input);
    check_outcome(input, answer);
    must(run(input) == answer, "equal frames have equal results");
    return 0;
}
