// Packet::bytes(): headers are encoded from the innermost outwards, so that the payload of each is known.
#include "tests/harness/packet.h"

namespace glb::test {

namespace {

// Context of a header: its payload, and the enclosing IP header.
struct Context {
    const Layer *next = nullptr;
    const Layer *ip = nullptr;
};

template <typename... Fs>
struct Overloaded : Fs... {
    using Fs::operator()...;
};
template <typename... Fs>
Overloaded(Fs...) -> Overloaded<Fs...>; // clang before 17 does not deduce it for aggregates

std::uint16_t eth_proto_of(const Layer *layer) {
    constexpr std::uint16_t local_experiment = 0x88b5; // IEEE 802
    if (layer == nullptr)
        return local_experiment;
    return std::visit(Overloaded{[](const Vlan &vlan) -> std::uint16_t { return vlan.tpid; },
                                 [](const Arp &) -> std::uint16_t { return 0x0806; },
                                 [](const IPv4 &) -> std::uint16_t { return 0x0800; },
                                 [](const IPv6 &) -> std::uint16_t { return 0x86dd; },
                                 [](const Eth &) -> std::uint16_t { return 0x6558; },
                                 [](const auto &) -> std::uint16_t { return local_experiment; }},
                      *layer);
}

std::uint8_t ip_proto_of(const Layer *layer) {
    constexpr std::uint8_t no_next_header = 59, experiment = 253; // RFC 8200, RFC 3692
    if (layer == nullptr)
        return no_next_header;
    return std::visit(
        Overloaded{
            [](const HopByHop &) -> std::uint8_t { return 0; },
            [](const Icmp &) -> std::uint8_t { return 1; }, [](const IPv4 &) -> std::uint8_t { return 4; },
            [](const Tcp &) -> std::uint8_t { return 6; }, [](const Udp &) -> std::uint8_t { return 17; },
            [](const IPv6 &) -> std::uint8_t { return 41; },
            [](const Routing &) -> std::uint8_t { return 43; },
            [](const Fragment6 &) -> std::uint8_t { return 44; },
            [](const Gre &) -> std::uint8_t { return 47; }, [](const Esp &) -> std::uint8_t { return 50; },
            [](const Ah &) -> std::uint8_t { return 51; }, [](const Icmp6 &) -> std::uint8_t { return 58; },
            [](const DestOptions &) -> std::uint8_t { return 60; },
            [](const Sctp &) -> std::uint8_t { return 132; },
            [](const UdpLite &) -> std::uint8_t { return 136; },
            [](const auto &) -> std::uint8_t { return experiment; }},
        *layer);
}

std::uint8_t u8(std::size_t value) {
    return static_cast<std::uint8_t>(value);
}
std::uint16_t u16(std::size_t value) {
    return static_cast<std::uint16_t>(value);
}

void put(Bytes &out, ByteView bytes) {
    out.insert(out.end(), bytes.begin(), bytes.end());
}

Bytes to_whole_words(Bytes bytes) {
    bytes.resize((bytes.size() + 3) / 4 * 4);
    return bytes;
}

// The checksum of an L4 segment with the pseudo-header of its IP header (RFC 9293, RFC 8200 8.1).
std::uint16_t l4_checksum(const Context &context, std::uint8_t ip_proto, ByteView segment,
                          std::size_t covered) {
    Bytes summed;
    if (context.ip != nullptr) {
        if (const auto *v4 = std::get_if<IPv4>(context.ip)) {
            put(summed, v4->src.bytes);
            put(summed, v4->dst.bytes);
            put16(summed, ip_proto);
            put16(summed, u16(segment.size()));
        } else if (const auto *v6 = std::get_if<IPv6>(context.ip)) {
            put(summed, v6->src.bytes);
            put(summed, v6->dst.bytes);
            put32(summed, static_cast<std::uint32_t>(segment.size()));
            put32(summed, ip_proto);
        }
    }
    put(summed, segment.subspan(0, covered));
    return internet_checksum(summed);
}

std::uint16_t not_zero(std::uint16_t checksum) {
    return checksum == 0 ? 0xffff : checksum;
}

Bytes write(const Eth &eth, const Context &context, const Bytes &body) {
    Bytes out;
    put(out, eth.dst.bytes);
    put(out, eth.src.bytes);
    put16(out, eth.eth_proto.value_or(eth_proto_of(context.next)));
    return std::move(out) + body;
}

Bytes write(const Vlan &vlan, const Context &context, const Bytes &body) {
    Bytes out; // the TPID is the ethertype of the preceding header
    put16(out, u16(vlan.priority << 13 | (vlan.id & 0xfff)));
    put16(out, vlan.eth_proto.value_or(eth_proto_of(context.next)));
    return std::move(out) + body;
}

Bytes write(const Arp &arp, const Context &, const Bytes &body) {
    Bytes out = from_hex("0001 0800 06 04");
    put16(out, arp.operation);
    put(out, arp.sender_mac.bytes);
    put(out, arp.sender.bytes);
    put(out, arp.target_mac.bytes);
    put(out, arp.target.bytes);
    return std::move(out) + body;
}

Bytes write(const IPv4 &ip, const Context &context, const Bytes &body) {
    const Bytes options = to_whole_words(ip.options);
    Bytes out;
    put8(out, u8(ip.version << 4 | (ip.header_words.value_or(u8(5 + options.size() / 4)) & 0xf)));
    put8(out, ip.tos);
    put16(out, ip.total_length.value_or(u16(20 + options.size() + body.size())));
    put16(out, ip.id);
    put16(out, u16((ip.df ? 0x4000 : 0) | (ip.more_fragments ? 0x2000 : 0) | (ip.fragment_offset & 0x1fff)));
    put8(out, ip.ttl);
    put8(out, ip.ip_proto.value_or(ip_proto_of(context.next)));
    put16(out, 0);
    put(out, ip.src.bytes);
    put(out, ip.dst.bytes);
    put(out, options);
    set16(out, 10, ip.checksum.value_or(internet_checksum(out)));
    return std::move(out) + body;
}

Bytes write(const IPv6 &ip, const Context &context, const Bytes &body) {
    Bytes out;
    put32(out, static_cast<std::uint32_t>(ip.version) << 28 |
                   static_cast<std::uint32_t>(ip.traffic_class) << 20 | (ip.flow_label & 0xfffff));
    put16(out, ip.payload_length.value_or(u16(body.size())));
    put8(out, ip.next_header.value_or(ip_proto_of(context.next)));
    put8(out, ip.hop_limit);
    put(out, ip.src.bytes);
    put(out, ip.dst.bytes);
    return std::move(out) + body;
}

// Hop-by-hop and destination options have the same format and padding (RFC 8200 4.2).
template <typename Options>
Bytes write_options(const Options &options, const Context &context, const Bytes &body) {
    Bytes data = options.data;
    const std::size_t missing = (8 - (data.size() + 2) % 8) % 8;
    if (missing == 1) {
        put8(data, 0);
    } else if (missing > 1) {
        put8(data, 1);
        put8(data, u8(missing - 2));
        data.resize(data.size() + missing - 2);
    }
    Bytes out;
    put8(out, options.next_header.value_or(ip_proto_of(context.next)));
    put8(out, options.length.value_or(u8((data.size() + 2) / 8 - 1)));
    put(out, data);
    return std::move(out) + body;
}

Bytes write(const HopByHop &options, const Context &context, const Bytes &body) {
    return write_options(options, context, body);
}
Bytes write(const DestOptions &options, const Context &context, const Bytes &body) {
    return write_options(options, context, body);
}

Bytes write(const Routing &routing, const Context &context, const Bytes &body) {
    Bytes out;
    put8(out, routing.next_header.value_or(ip_proto_of(context.next)));
    put8(out, routing.length.value_or(u8(routing.addresses.size() * 2)));
    put8(out, routing.routing_type);
    put8(out, routing.segments_left);
    put32(out, 0);
    for (const auto &address : routing.addresses)
        put(out, address.bytes);
    return std::move(out) + body;
}

Bytes write(const Fragment6 &fragment, const Context &context, const Bytes &body) {
    Bytes out;
    put8(out, fragment.next_header.value_or(ip_proto_of(context.next)));
    put8(out, 0);
    put16(out, u16(fragment.offset << 3 | (fragment.more ? 1 : 0)));
    put32(out, fragment.id);
    return std::move(out) + body;
}

Bytes write(const Tcp &tcp, const Context &context, const Bytes &body) {
    const Bytes options = to_whole_words(tcp.options);
    Bytes out;
    put16(out, tcp.sport);
    put16(out, tcp.dport);
    put32(out, tcp.seq);
    put32(out, tcp.ack);
    put8(out, u8(tcp.header_words.value_or(u8(5 + options.size() / 4)) << 4));
    put8(out, tcp.flags);
    put16(out, tcp.window);
    put32(out, 0);
    put(out, options);
    put(out, body);
    set16(out, 16, tcp.checksum.value_or(l4_checksum(context, 6, out, out.size())));
    return out;
}

Bytes write(const Udp &udp, const Context &context, const Bytes &body) {
    Bytes out;
    put16(out, udp.sport);
    put16(out, udp.dport);
    put16(out, udp.length.value_or(u16(8 + body.size())));
    put16(out, 0);
    put(out, body);
    set16(out, 6, udp.checksum.value_or(not_zero(l4_checksum(context, 17, out, out.size()))));
    return out;
}

Bytes write(const UdpLite &udp, const Context &context, const Bytes &body) {
    Bytes out;
    put16(out, udp.sport);
    put16(out, udp.dport);
    put16(out, udp.coverage);
    put16(out, 0);
    put(out, body);
    const std::size_t covered =
        udp.coverage == 0 ? out.size() : std::min<std::size_t>(udp.coverage, out.size());
    set16(out, 6, udp.checksum.value_or(not_zero(l4_checksum(context, 136, out, covered))));
    return out;
}

Bytes write(const Sctp &sctp, const Context &, const Bytes &body) {
    Bytes out;
    put16(out, sctp.sport);
    put16(out, sctp.dport);
    put32(out, sctp.tag);
    put32(out, 0);
    put(out, body);
    const std::uint32_t sum = sctp.checksum.value_or(crc32c(out));
    set16(out, 8, u16(sum >> 16));
    set16(out, 10, u16(sum));
    return out;
}

Bytes write(const Icmp &icmp, const Context &, const Bytes &body) {
    Bytes out{icmp.icmp_type, icmp.code, 0, 0};
    put32(out, icmp.rest);
    put(out, body);
    set16(out, 2, icmp.checksum.value_or(internet_checksum(out)));
    return out;
}

Bytes write(const Icmp6 &icmp, const Context &context, const Bytes &body) {
    Bytes out{icmp.icmp_type, icmp.code, 0, 0};
    put32(out, icmp.rest);
    put(out, body);
    set16(out, 2, icmp.checksum.value_or(l4_checksum(context, 58, out, out.size())));
    return out;
}

Bytes write(const Esp &esp, const Context &, const Bytes &body) {
    Bytes out;
    put32(out, esp.spi);
    put32(out, esp.seq);
    return std::move(out) + body;
}

Bytes write(const Ah &ah, const Context &context, const Bytes &body) {
    const Bytes icv = to_whole_words(ah.icv);
    Bytes out;
    put8(out, ah.next_header.value_or(ip_proto_of(context.next)));
    put8(out, u8(3 + icv.size() / 4 - 2)); // RFC 4302: words, minus two
    put16(out, 0);
    put32(out, ah.spi);
    put32(out, ah.seq);
    put(out, icv);
    return std::move(out) + body;
}

Bytes write(const Gre &gre, const Context &context, const Bytes &body) {
    Bytes out;
    put16(out, gre.key ? 0x2000 : 0);
    put16(out, gre.eth_proto.value_or(eth_proto_of(context.next)));
    if (gre.key)
        put32(out, *gre.key);
    return std::move(out) + body;
}

Bytes write(const Geneve &geneve, const Context &context, const Bytes &body) {
    Bytes options;
    for (const auto &option : geneve.options) {
        const Bytes value = to_whole_words(option.value);
        put16(options, option.option_class);
        put8(options, option.option_type);
        put8(options, u8(option.words.value_or(u8(value.size() / 4)) & 0x1f));
        put(options, value);
    }
    Bytes out;
    put8(out, u8(geneve.version << 6 | (geneve.option_words.value_or(u8(options.size() / 4)) & 0x3f)));
    put8(out, u8((geneve.control ? 0x80 : 0) | (geneve.critical ? 0x40 : 0) | (geneve.reserved & 0x3f)));
    put16(out, geneve.eth_proto.value_or(eth_proto_of(context.next)));
    put32(out, geneve.vni << 8);
    put(out, options);
    return std::move(out) + body;
}

Bytes write(const Payload &payload, const Context &, const Bytes &body) {
    return payload.bytes + body;
}

} // namespace

Bytes Packet::bytes() const {
    Bytes body;
    for (std::size_t i = layers.size(); i-- > 0;) {
        Context context;
        if (i + 1 < layers.size())
            context.next = &layers[i + 1];
        for (std::size_t j = i; j-- > 0 && context.ip == nullptr;)
            if (std::holds_alternative<IPv4>(layers[j]) || std::holds_alternative<IPv6>(layers[j]))
                context.ip = &layers[j];
        body = std::visit([&](const auto &layer) { return write(layer, context, body); }, layers[i]);
    }
    return body;
}

} // namespace glb::test
