#include "bench/node.h"

#include <cstring>
#include <fstream>
#include <net/if.h>
#include <sched.h>

#include "controller/datapath/loader.h"
#include "controller/plan/maglev_generations.h"
#include "lib/hash.h"
#include "tests/harness/packet.h"
#include "tests/harness/process.h"

namespace glb::bench {

namespace {

using namespace plan;
using namespace test;

constexpr std::uint16_t endpoint_index = 3;
constexpr std::uint64_t endpoint_id = 0x2b8ee1d4db0c51c4;
constexpr std::uint16_t group_index = 2;
constexpr std::uint32_t table_index = 5;
constexpr std::uint16_t target_count = 16;
constexpr std::uint16_t target_network = 100; // 172.16.0.100 and on
const Mac node_mac = "02:00:00:00:00:02";
const Mac far_mac = "02:00:00:00:00:fe"; ///< of the router on the clients' side

Mac target_mac(unsigned target) {
    Mac mac = "02:00:00:00:01:00";
    mac.bytes[5] = static_cast<std::uint8_t>(target);
    return mac;
}

std::string target_address(unsigned target) {
    return fmt::format("172.16.0.{}", target_network + target);
}

MacAddress address_of(const Mac &mac) {
    MacAddress address;
    address.bytes = mac.bytes;
    return address;
}

Packet segment(std::uint8_t tcp_flags) {
    return IPv4{.src = "10.0.0.0", .dst = "198.51.100.20"} / Tcp{.sport = 1024, .flags = tcp_flags} /
           Payload(std::size_t{10});
}

TargetConfig target(std::uint16_t index, unsigned ifindex) {
    network::Path path;
    path.ifindex = ifindex;
    path.source = address_of(node_mac);
    path.destination = address_of(target_mac(index));
    TargetConfig config;
    config.index = index;
    config.group = group_index;
    config.address = *IpAddress::parse(target_address(index));
    config.address_id = index + 1u;
    config.path = path;
    return config;
}

PortConfig port(unsigned ifindex, const char *own) {
    PortConfig config;
    config.ifindex = ifindex;
    config.fib_ifindex = ifindex;
    config.macs = {address_of(node_mac)};
    config.addresses = {*IpPrefix::parse(own)};
    return config;
}

BankConfig bank(const Wires &wires, const NodeOptions &options) {
    BankConfig config;
    config.tunnel_address = *IpAddress::parse("172.16.0.10");
    for (std::uint32_t i = 0; i < GLB_NH_KEYS; ++i)
        config.steer_key[i] = 0x9e3779b9u * (i + 1);
    config.ports = {port(wires.clients, "192.0.2.1"), port(wires.tunnel, "172.16.0.10")};
    config.ports[options.one_arm ? 1 : 0].endpoint = endpoint_index;
    config.ports[1].tunnel = true;
    config.endpoints = {{.index = endpoint_index,
                         .id = endpoint_id,
                         .attachment = 0,
                         .route_table = 0,
                         .group = group_index}};
    GroupConfig group;
    group.index = group_index;
    group.table = table_index;
    group.passive = options.passive;
    config.groups = {group};
    for (std::uint16_t index = 0; index < target_count; ++index) {
        config.targets.push_back(target(index, wires.tunnel));
        config.senders.push_back(
            {config.targets.back().address, config.targets.back().address_id, address_of(target_mac(index))});
    }
    return config;
}

Result<unsigned> wire(const std::string &name, const std::string &address) {
    must_run({"ip", "link", "add", name, "type", "veth", "peer", "name", name + "-far"});
    must_run({"ip", "link", "set", name, "up"});
    must_run({"ip", "link", "set", name + "-far", "up"});
    must_run({"ip", "address", "add", address, "dev", name});
    const unsigned index = ::if_nametoindex(name.c_str());
    if (index == 0)
        return fail_errno(errno, "interface {}", name);
    return index;
}

} // namespace

Result<Wires> enter_own_namespace() {
    if (::unshare(CLONE_NEWNET) != 0)
        return fail_errno(errno, "cannot create a network namespace (the bench needs root)");
    must_run({"ip", "link", "set", "lo", "up"});
    Wires wires;
    GLB_ASSIGN(wires.clients, wire("clients", "192.0.2.1/24"));
    GLB_ASSIGN(wires.tunnel, wire("tunnel", "172.16.0.10/24"));
    must_run({"ip", "neigh", "add", "192.0.2.254", "lladdr", far_mac.to_string(), "dev", "clients"});
    must_run({"ip", "route", "add", "198.51.100.0/24", "via", "192.0.2.254"});
    std::ofstream forwarding("/proc/sys/net/ipv4/ip_forward");
    if (!(forwarding << "1" << std::flush))
        return fail("cannot enable forwarding in the network namespace");
    return wires;
}

Result<Node> Node::load(Wires wires, std::uint32_t capacity, NodeOptions options) {
    datapath::LoadSettings settings;
    settings.capacity = capacity;
    for (std::uint32_t i = 0; i < GLB_NH_KEYS; ++i)
        settings.table_key[i] = 0x85ebca6bu * (i + 3);
    settings.punt_magic = 1;
    GLB_ASSIGN(const auto handles, datapath::load(settings));
    Node node(wires, options, handles);
    GLB_TRY(node.configure());
    GLB_ASSIGN(node.table_, datapath::Mapped<glb_flow_hot>::map(handles->map(datapath::Map::flows_hot),
                                                                capacity, "glb_flows_hot"));
    return node;
}

Status Node::configure() {
    std::vector<std::uint16_t> slots(GLB_MAGLEV_SLOTS);
    for (std::size_t i = 0; i < slots.size(); ++i)
        slots[i] = static_cast<std::uint16_t>(i % target_count);
    GLB_TRY(roles_.config.put_maglev(table_index, slots));
    for (std::uint32_t index = 0; index < target_count; ++index)
        GLB_TRY(roles_.state.set_target_state(index, GLB_TARGET_ACCEPT_NEW | GLB_TARGET_KEEP_ESTABLISHED |
                                                         GLB_TARGET_KEEP_EMBRYONIC));
    GLB_TRY(roles_.egress.add_device(wires_.clients));
    GLB_TRY(roles_.egress.add_device(wires_.tunnel));

    glb_next_hop hop{};
    hop.egress.ifindex = wires_.clients;
    hop.egress.mtu = 1500;
    std::memcpy(hop.destination, far_mac.bytes.data(), sizeof hop.destination);
    std::memcpy(hop.source, node_mac.bytes.data(), sizeof hop.source);
    GLB_TRY(roles_.egress.sync_egress({{wires_.clients, hop.egress}}));
    GLB_TRY(roles_.egress.sync_next_hops({{{wires_.clients, address_of(far_mac)}, hop}}, roles_.config));

    GLB_ASSIGN(const auto image, build_bank(bank(wires_, options_)));
    GLB_TRY(roles_.config.write_idle_bank(image));
    return roles_.config.flip(true);
}

Occupancy Node::occupancy() const {
    const std::uint64_t bucket_mask = table_.size() / GLB_FLOW_WAYS - 1;
    Occupancy found{.entries = table_.size()};
    for (std::size_t slot = 0; slot < table_.size(); ++slot) {
        const auto &entry = table_[slot];
        if (!(entry.meta >> GLB_META_CODE_SHIFT & 0x1f))
            continue;
        ++found.live;
        // The first slot of a tag as in flow/flow_table.h: the low bits select the bucket, the upper three
        // the way.
        found.at_home += slot == (entry.tag & bucket_mask) * GLB_FLOW_WAYS + (entry.tag >> 61);
    }
    return found;
}

void Node::establish() {
    const std::uint64_t now = tick_now();
    constexpr std::uint64_t kept = ~(0x1full << GLB_META_CODE_SHIFT | 0xffffffffull);
    for (auto &entry : table_.rows())
        if (entry.meta >> GLB_META_CODE_SHIFT & 0x1f)
            entry.meta =
                (entry.meta & kept) | std::uint64_t{GLB_FLOW_ESTABLISHED} << GLB_META_CODE_SHIFT | now;
}

Result<std::map<std::string, std::uint64_t>> Node::counters() const {
    static constexpr const char *drop_names[] = {
#define BENCH_NAME(name, text, ...) "drop." text,
        GLB_DROP_REASONS(BENCH_NAME)
#undef BENCH_NAME
    };
    static constexpr const char *counter_names[] = {
#define BENCH_NAME(name, text, ...) text,
        GLB_COUNTERS(BENCH_NAME)
#undef BENCH_NAME
    };
    GLB_ASSIGN(const auto drops, roles_.counters.drops());
    GLB_ASSIGN(const auto counts, roles_.counters.counters());
    std::map<std::string, std::uint64_t> named;
    for (std::size_t i = 0; i < drops.size(); ++i)
        if (drops[i].packets)
            named[drop_names[i]] = drops[i].packets;
    for (std::size_t i = 0; i < counts.size(); ++i)
        if (counts[i].packets)
            named[counter_names[i]] = counts[i].packets;
    for (std::uint32_t target = 0; target < target_count; ++target)
        if (const auto unanswered = roles_.handles->target_counts().sum(target).unanswered)
            named["unanswered"] += unanswered;
    return named;
}

Stream Node::outward(Order order, std::uint64_t flows, std::uint8_t tcp_flags) const {
    Stream stream;
    stream.frame = Eth{.dst = node_mac} / segment(tcp_flags);
    stream.ingress = options_.one_arm ? wires_.tunnel : wires_.clients;
    stream.order = order;
    stream.flows = flows;
    return stream;
}

Result<Stream> Node::inward(const Bytes &sent) const {
    constexpr std::size_t outer = 14; // frames without VLAN tags
    if (sent.size() < outer + GLB_ENCAP_BYTES || sent[outer + 16] != 172)
        return fail("the node did not send flow 0 to a target");
    const unsigned target = sent[outer + 19] - target_network;
    const auto word = [&](std::size_t at) {
        return std::uint32_t{sent[at]} << 24 | std::uint32_t{sent[at + 1]} << 16 |
               std::uint32_t{sent[at + 2]} << 8 | sent[at + 3];
    };
    Stream stream;
    stream.frame = Eth{.dst = node_mac, .src = target_mac(target)} /
                   IPv4{.src = target_address(target), .dst = "172.16.0.10"} /
                   Udp{.sport = static_cast<std::uint16_t>(word(outer + 20) >> 16),
                       .dport = GLB_GENEVE_PORT,
                       .checksum = 0} /
                   Geneve{.options = aws_options(endpoint_id, 0, word(outer + 64))} / segment(tcp::ack);
    stream.ingress = wires_.tunnel;
    stream.tunnelled = true;
    return stream;
}

} // namespace glb::bench
