#include "tests/netns/appliance/bench.h"

#include <cstring>
#include <stdexcept>

#include <netinet/in.h>
#include <sys/socket.h>

namespace glb::test {
namespace {

constexpr std::size_t eth_length = 14, outer_length = 28, header_length = 40;

std::uint16_t word(const Bytes &bytes, std::size_t offset) {
    return static_cast<std::uint16_t>(bytes[offset] << 8 | bytes[offset + 1]);
}

/// Parses the frame as a packet from the appliance to the node. Empty for other frames.
std::optional<ReturnedPacket> parse_returned(const Sniffer::Frame &frame) {
    const auto &bytes = frame.bytes;
    if (frame.outgoing || bytes.size() < eth_length + outer_length + header_length ||
        word(bytes, 12) != 0x0800)
        return std::nullopt;
    ReturnedPacket result;
    const auto at = [&](std::size_t offset) { return bytes.begin() + static_cast<std::ptrdiff_t>(offset); };
    result.outer.assign(at(eth_length), at(eth_length + word(bytes, eth_length + 2)));
    const auto &outer = result.outer;
    if (outer[9] != 17)
        return std::nullopt;
    result.source_port = word(outer, 20);
    result.destination_port = word(outer, 22);
    result.udp_checksum = word(outer, 26);
    const auto length = static_cast<std::ptrdiff_t>(8 + (outer[outer_length] & 0x3f) * 4);
    const auto begin = outer.begin() + static_cast<std::ptrdiff_t>(outer_length);
    result.header.assign(begin, begin + length);
    result.inner.assign(begin + length, outer.end());
    return result;
}

} // namespace

ApplianceBench::ApplianceBench() {
    veth(node, "tun0", firewall, "eth0");
    node.address("tun0", "10.0.1.10/24");
    firewall.address("eth0", "10.0.1.20/24");
    firewall.address("eth0", "2001:db8:f::20/64");
    // The node must not respond with "port unreachable".
    node.must({"nft",
               "add table inet quiet; add chain inet quiet input { type filter hook input priority 0; }; "
               "add rule inet quiet input udp dport 1-65535 drop"});
    sender_ = node.call([] { return Fd(::socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW)); });
    sniffer_.emplace(node, "tun0");
}

void ApplianceBench::start(const std::vector<std::string> &options) {
    std::vector<std::string> argv{GLB_APPLIANCE, "--threads", "2"};
    argv.insert(argv.end(), options.begin(), options.end());
    program_.emplace(firewall.start(argv));
    if (!program_->wait_for_output("ready", std::chrono::seconds(10)))
        throw std::runtime_error("glb-appliance did not start: " + program_->output());
}

CommandResult ApplianceBench::run(const std::vector<std::string> &options) const {
    std::vector<std::string> argv{GLB_APPLIANCE};
    argv.insert(argv.end(), options.begin(), options.end());
    return firewall.run(argv, std::chrono::seconds(10));
}

void ApplianceBench::kill(int signal) {
    program_->kill(signal);
    if (!program_->wait(std::chrono::seconds(10)))
        throw std::runtime_error("glb-appliance did not exit: " + program_->output());
}

void ApplianceBench::send_outer(const Bytes &packet) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    std::memcpy(&to.sin_addr, &packet.at(16), 4);
    if (::sendto(sender_.get(), packet.data(), packet.size(), 0, reinterpret_cast<const sockaddr *>(&to),
                 sizeof to) != static_cast<ssize_t>(packet.size()))
        throw std::runtime_error(std::string("raw socket: ") + std::strerror(errno));
}

void ApplianceBench::send_payload(const Bytes &payload, std::uint16_t port) {
    send_outer(IPv4{.src = "10.0.1.10", .dst = "10.0.1.20", .df = true} /
               Udp{.sport = port, .dport = 6081, .checksum = 0} / Payload(payload));
}

void ApplianceBench::send(std::uint64_t endpoint, std::uint32_t cookie, const Bytes &inner,
                          std::uint16_t port) {
    send_payload(geneve_header(endpoint, cookie, inner.at(0) >> 4 == 6) + inner, port);
}

std::optional<ReturnedPacket> ApplianceBench::next(milliseconds timeout) {
    std::optional<ReturnedPacket> result;
    (void)eventually(timeout, [&] {
        const auto &frames = sniffer_->frames();
        while (!result && next_frame_ < frames.size())
            result = parse_returned(frames[next_frame_++]);
        return result.has_value();
    });
    return result;
}

bool ApplianceBench::returns_only_marker() {
    const Bytes marker = IPv4{.src = "192.0.2.77", .id = ++marker_} / Udp{.sport = 7777} / Payload("marker");
    send(golden_endpoint, 0x77777777, marker, 40001);
    const auto returned = next();
    return returned && returned->header == geneve_header(golden_endpoint, 0x77777777);
}

nlohmann::json ApplianceBench::counters() const {
    return nlohmann::json::parse(firewall.must({"curl", "-s", "http://127.0.0.1/counters"}));
}

bool ApplianceBench::counts(const std::string &name, std::uint64_t value) const {
    return eventually(std::chrono::seconds(3), [&] {
        const auto all = counters();
        const auto &part = all["drops"].contains(name) ? all["drops"] : all["counters"];
        return part.at(name) == value;
    });
}

Bytes geneve_header(std::uint64_t endpoint, std::uint32_t cookie, bool ipv6) {
    Geneve geneve{.options = aws_options(endpoint, 0, cookie)};
    geneve.eth_proto = ipv6 ? 0x86dd : 0x0800;
    return Packet(geneve);
}

Bytes forwarded(Bytes inner) {
    if (inner.at(0) >> 4 == 6) {
        --inner[7];
        return inner;
    }
    --inner[8];
    set16(inner, 10, 0);
    set16(inner, 10, internet_checksum(ByteView(inner).first(20)));
    return inner;
}

} // namespace glb::test
