#include "tests/native/sample.h"

namespace glb::test {

namespace {

constexpr MacAddress node{{2, 0, 0, 0, 0, 2}};
constexpr MacAddress next_hops[] = {{{2, 0, 0, 0, 1, 0x11}}, {{2, 0, 0, 0, 1, 0x12}}};
constexpr const char *addresses[] = {"10.0.1.20", "10.0.1.21"};

plan::TargetConfig target(std::uint16_t index) {
    plan::TargetConfig config;
    config.index = index;
    config.group = 2;
    config.address = *IpAddress::parse(addresses[index]);
    config.address_id = index + 1u;
    network::Path path;
    path.ifindex = 1;
    path.source = node;
    path.destination = next_hops[index];
    path.tags = {{.id = 7, .eth_proto = 0x8100}};
    config.path = path;
    return config;
}

std::uint32_t read32(const Bytes &bytes, std::size_t at) {
    return std::uint32_t{bytes.at(at)} << 24 | std::uint32_t{bytes.at(at + 1)} << 16 |
           std::uint32_t{bytes.at(at + 2)} << 8 | bytes.at(at + 3);
}

} // namespace

plan::BankConfig sample_bank() {
    plan::BankConfig config;
    config.tunnel_address = *IpAddress::parse("10.0.1.10");
    for (std::uint32_t i = 0; i < GLB_NH_KEYS; ++i)
        config.steer_key[i] = 0x9e3779b9u * (i + 1);
    plan::PortConfig endpoint;
    endpoint.ifindex = 1;
    endpoint.endpoint = 3;
    endpoint.macs = {node};
    endpoint.addresses = {*IpPrefix::parse("192.0.2.1"), *IpPrefix::parse("2001:db8:1::1")};
    plan::PortConfig tunnel;
    tunnel.ifindex = 1;
    tunnel.vlans = {7, 0};
    tunnel.tunnel = true;
    tunnel.macs = {node};
    tunnel.addresses = {*IpPrefix::parse("10.0.1.10")};
    config.ports = {endpoint, tunnel};
    config.endpoints = {{.index = 3, .id = endpoint_id, .attachment = 0, .route_table = 0, .group = 2}};
    plan::GroupConfig group;
    group.index = 2;
    group.table = sample_table;
    config.groups = {group};
    config.targets = {target(0), target(1)};
    config.senders = {{*IpAddress::parse(addresses[0]), 1, next_hops[0]},
                      {*IpAddress::parse(addresses[1]), 2, next_hops[1]}};
    return config;
}

glb_settings sample_settings() {
    glb_settings settings{};
    for (std::uint32_t i = 0; i < GLB_NH_KEYS; ++i)
        settings.table_key.word[i] = 0x85ebca6bu * (i + 3);
    settings.bucket_mask = GLB_FLOW_MIN_CAPACITY / GLB_FLOW_WAYS - 1;
    settings.punt_magic = 0x5eed5eed;
    return settings;
}

std::vector<std::uint16_t> sample_slots() {
    std::vector<std::uint16_t> slots(GLB_MAGLEV_SLOTS);
    for (std::size_t i = 0; i < slots.size(); ++i)
        slots[i] = static_cast<std::uint16_t>(i % 2);
    return slots;
}

std::uint32_t cookie_of(const Bytes &encapsulated) {
    return read32(encapsulated, outer_offset + 64);
}

std::uint16_t entropy_of(const Bytes &encapsulated) {
    return static_cast<std::uint16_t>(read32(encapsulated, outer_offset + 20) >> 16);
}

Bytes returned(unsigned target, std::uint32_t cookie, std::uint16_t entropy, const Packet &inner) {
    return (Eth{.dst = node_mac, .src = target ? target2_mac : target_mac} / Vlan{7} /
            IPv4{.src = target ? "10.0.1.21" : "10.0.1.20", .dst = "10.0.1.10", .ttl = 2} /
            Udp{.sport = entropy, .dport = 6081, .checksum = 0} /
            Geneve{.options = aws_options(endpoint_id, 0, cookie)} / inner)
        .bytes();
}

} // namespace glb::test
