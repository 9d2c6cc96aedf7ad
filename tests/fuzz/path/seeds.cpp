// Writes the corpora of fuzz_parse and fuzz_return: FOLDER/parse and FOLDER/return, one file per input.
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "tests/fuzz/path/flows.h"

namespace {

using namespace glb::fuzz;
using namespace glb::test;

using Inputs = std::map<std::string, Bytes>;

Packet extensions() {
    return IPv6{} / HopByHop{.data = Bytes(10)} / Routing{.addresses = {"2001:db8::1"}} / Fragment6{} /
           DestOptions{} / Tcp{.flags = tcp::syn, .options = Bytes(8, 1)};
}

std::map<std::string, Packet> packets() {
    const Packet text = Payload{"text"};
    return {
        {"udp", IPv4{} / Udp{} / text},
        {"options", IPv4{.options = Bytes(8, 1)} / Tcp{.flags = tcp::psh | tcp::ack} / text},
        {"fragment", IPv4{.more_fragments = true, .fragment_offset = 4} / Udp{} / text},
        {"sctp", IPv4{} / Sctp{} / text},
        {"udplite", IPv4{} / UdpLite{} / text},
        {"esp", IPv4{} / Esp{} / text},
        {"ah", IPv6{} / Ah{} / Udp{} / text},
        {"gre", IPv4{} / Gre{} / IPv4{} / Udp{}},
        {"echo", IPv4{} / icmp_echo(7, 1) / text},
        {"error", IPv4{} / icmp_unreachable(3) / IPv4{.options = Bytes(4, 1)} / Udp{}},
        {"error-of-echo", IPv4{} / icmp_time_exceeded() / IPv4{} / icmp_echo(7, 1)},
        {"six", IPv6{} / Udp{} / text},
        {"extensions", extensions()},
        {"six-fragment", IPv6{} / Fragment6{.offset = 8, .more = true} / Udp{} / text},
        {"six-echo", IPv6{} / icmp6_echo(7, 1)},
        {"six-error", IPv6{} / icmp6_too_big(1280) / IPv6{} / Tcp{}},
        {"neighbour", IPv6{.hop_limit = 255} / nd_solicitation("2001:db8:1::1", "02:00:00:00:00:01")},
        {"geneve", IPv4{.src = "10.0.1.20", .dst = "10.0.1.10"} / Udp{.dport = 6081} /
                       Geneve{.options = aws_options(1, 2, 3)} / IPv4{} / Udp{}},
        {"multicast", IPv4{.dst = "224.0.0.5"} / Udp{}},
        {"own", IPv4{.dst = "192.0.2.1"} / Tcp{.flags = tcp::syn}},
    };
}

Inputs parse_inputs() {
    Inputs inputs;
    for (const auto &[name, packet] : packets()) {
        inputs[name] = Bytes{0, 0} + (Eth{.dst = node_mac} / packet).padded_to(60);
        inputs[name + "-linear"] = Bytes{20, 1} + (Eth{.dst = node_mac} / Vlan{0} / Vlan{7} / packet).bytes();
    }
    inputs["giant"] = Bytes{0, 0xf0} + (Eth{} / IPv6{.payload_length = 65535} / Udp{.length = 0}).bytes();
    inputs["arp"] = Bytes{0, 0} + (Eth{} / Arp{}).bytes();
    return inputs;
}

Bytes control(std::uint8_t front, std::uint8_t egress, std::uint8_t driver = 0, std::uint8_t linear = 0) {
    return {front, linear, driver, egress};
}

Inputs return_inputs() {
    Inputs inputs;
    for (const auto &[name, packet] : packets())
        inputs["out-" + name] = control(front_nothing, 3) + (Eth{.dst = node_mac} / packet).padded_to(60);
    NativeRig rig;
    std::uint8_t number = 0;
    for (const auto &flow : enter_flows(rig)) {
        const auto id = std::to_string(number);
        const Bytes behind_udp(flow.sent.begin() + geneve_at, flow.sent.end());
        const auto tags = static_cast<std::uint8_t>(number % 3);
        inputs["whole-" + id] = control(front_nothing, tags) + from_target(flow.target, behind_udp);
        inputs["geneve-" + id] =
            control(static_cast<std::uint8_t>(front_target_0 + flow.target), tags) + behind_udp;
        inputs["other-" + id] =
            control(static_cast<std::uint8_t>(front_target_1 - flow.target), tags) + behind_udp;
        inputs["inner-" + id] = control(static_cast<std::uint8_t>(front_flow + 4 * number), 3) + flow.inner;
        inputs["tight-" + id] =
            control(static_cast<std::uint8_t>(front_flow + 4 * number), 2, number % 16, 60) + flow.inner;
        ++number;
    }
    return inputs;
}

void write(const std::filesystem::path &folder, const Inputs &inputs) {
    std::filesystem::create_directories(folder);
    for (const auto &[name, bytes] : inputs)
        std::ofstream(folder / name, std::ios::binary)
            .write(reinterpret_cast<const char *>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

} // namespace

int main(int argc, char **argv) {
    if (argc != 2)
        return 2;
    const std::filesystem::path folder = argv[1];
    std::filesystem::remove_all(folder);
    write(folder / "parse", parse_inputs());
    write(folder / "return", return_inputs());
}
