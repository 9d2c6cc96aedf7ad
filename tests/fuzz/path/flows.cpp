#include "tests/fuzz/path/flows.h"

#include <stdexcept>

#include <linux/bpf.h>

namespace glb::fuzz {

using namespace test;

namespace {

std::vector<Packet> questions() {
    const Packet text = Payload{"a question of 22 bytes"};
    return {
        IPv4{} / Udp{} / text,
        IPv4{.tos = 2} / Tcp{.flags = tcp::syn},
        IPv4{.options = Bytes(4, 1)} / Tcp{.sport = 4000, .flags = tcp::ack} / text,
        IPv4{} / icmp_echo(7, 1) / text,
        IPv6{} / Udp{} / text,
        IPv6{.traffic_class = 1} / Tcp{.flags = tcp::syn},
        IPv6{} / HopByHop{} / DestOptions{} / Udp{.sport = 5000} / text,
        IPv6{} / icmp6_echo(7, 1) / text,
        IPv4{.src = "192.0.2.11"} / Sctp{} / text,
        IPv4{.src = "192.0.2.11"} / Gre{} / text,
        // Untracked: a fragment, and an ICMP error without a flow.
        IPv4{.src = "192.0.2.12", .more_fragments = true} / Udp{} / text,
        IPv4{.src = "192.0.2.13"} / icmp_unreachable(1) / IPv4{.src = "203.0.113.9"} / Udp{.sport = 9} / text,
    };
}

const char *const addresses[] = {"10.0.1.20", "10.0.1.21"};
const char *const macs[] = {"02:00:00:00:01:11", "02:00:00:00:01:12"};

} // namespace

std::vector<Flow> enter_flows(NativeRig &rig) {
    std::vector<Flow> flows;
    for (const auto &question : questions()) {
        auto out = rig.send((Eth{.dst = node_mac} / question).bytes());
        if (out.code != XDP_REDIRECT)
            throw std::runtime_error("a flow did not get out");
        const unsigned target = out.frame.at(5) == 0x12;
        flows.push_back({question.bytes(), std::move(out.frame), target});
    }
    std::ranges::fill(rig.kernel.rows<glb_count>("glb_counters"), glb_count{});
    rig.kernel.remember();
    return flows;
}

Bytes from_target(unsigned target, const Bytes &behind_udp) {
    return (Eth{.dst = node_mac, .src = macs[target]} / Vlan{7} /
            IPv4{.src = addresses[target], .dst = "10.0.1.10", .ttl = 2} /
            Udp{.sport = 50000, .dport = 6081, .checksum = 0} / Payload{behind_udp})
        .bytes();
}

} // namespace glb::fuzz
