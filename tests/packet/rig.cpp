#include "tests/packet/rig.h"

#include <stdexcept>

namespace glb::test {

namespace {

template <typename T>
T must(Result<T> result) {
    if (!result)
        throw std::runtime_error(result.error().message);
    return std::move(*result);
}

void must(const Status &status) {
    if (!status)
        throw std::runtime_error(status.error().message);
}

MacAddress mac(const Mac &from) {
    MacAddress to;
    to.bytes = from.bytes;
    return to;
}

datapath::TargetConfig target(std::uint16_t index, const char *address, const Mac &next_hop) {
    datapath::TargetConfig config;
    config.index = index;
    config.address = *IpAddress::parse(address);
    config.address_id = index + 1u;
    datapath::PathConfig path;
    path.ifindex = 1;
    path.source = mac(node_mac);
    path.destination = mac(next_hop);
    path.tags = {{.id = 7, .eth_proto = 0x8100}};
    config.path = path;
    return config;
}

datapath::BankConfig first_config() {
    datapath::BankConfig config;
    config.tunnel_address = *IpAddress::parse("10.0.1.10");
    for (std::uint32_t i = 0; i < GLB_NH_KEYS; ++i)
        config.steer_key[i] = 0x9e3779b9u * (i + 1);
    datapath::PortConfig endpoint;
    endpoint.ifindex = 1;
    endpoint.endpoint = 3;
    endpoint.macs = {mac(node_mac)};
    endpoint.addresses = {*IpPrefix::parse("192.0.2.1"), *IpPrefix::parse("2001:db8:1::1")};
    datapath::PortConfig tunnel;
    tunnel.ifindex = 1;
    tunnel.vlans = {7, 0};
    tunnel.tunnel = true;
    tunnel.macs = {mac(node_mac)};
    tunnel.addresses = {*IpPrefix::parse("10.0.1.10")};
    config.ports = {endpoint, tunnel};
    config.endpoints = {{.index = 3, .id = endpoint_id, .attachment = 0, .route_table = 0, .group = 2}};
    datapath::GroupConfig group;
    group.index = 2;
    group.table = 5;
    config.groups = {group};
    config.targets = {target(0, "10.0.1.20", target_mac), target(1, "10.0.1.21", target2_mac)};
    for (auto &entry : config.targets)
        entry.group = 2;
    config.senders = {{*IpAddress::parse("10.0.1.20"), 1, mac(target_mac)},
                      {*IpAddress::parse("10.0.1.21"), 2, mac(target2_mac)}};
    return config;
}

datapath::LoadSettings settings() {
    datapath::LoadSettings load;
    load.capacity = GLB_FLOW_MIN_CAPACITY;
    for (std::uint32_t i = 0; i < GLB_NH_KEYS; ++i)
        load.table_key[i] = 0x85ebca6bu * (i + 3);
    load.door_magic = 0x5eed5eed;
    return load;
}

std::uint32_t read32(const Bytes &bytes, std::size_t at) {
    return std::uint32_t{bytes.at(at)} << 24 | std::uint32_t{bytes.at(at + 1)} << 16 |
           std::uint32_t{bytes.at(at + 2)} << 8 | bytes.at(at + 3);
}

} // namespace

Rig::Rig()
    : config(first_config()), program(must(datapath::Program::load(settings()))), runner_(program.fd()) {
    std::vector<std::uint16_t> slots(GLB_MAGLEV_SLOTS);
    for (std::size_t i = 0; i < slots.size(); ++i)
        slots[i] = static_cast<std::uint16_t>(i % 2);
    must(program.put_maglev(5, slots));
    for (std::uint32_t index = 0; index < 2; ++index)
        must(program.set_target_word(index, GLB_TARGET_NEW | GLB_TARGET_KEEP | GLB_TARGET_KEEP_HALF));
    must(program.add_device(1));
    apply();
}

void Rig::apply() {
    must(program.write_idle_bank(must(datapath::build_bank(config))));
    must(program.flip(true));
}

Outcome Rig::send(const Bytes &frame) {
    RunOptions options;
    options.ingress_ifindex = 1;
    auto result = runner_.run(frame, options);
    return {result.verdict, std::move(result.bytes), std::move(result.metadata)};
}

std::uint64_t Rig::drops(glb_drop reason) const {
    return must(program.drops())[reason].packets;
}

std::uint64_t Rig::count(glb_counter counter) const {
    return must(program.counters())[counter].packets;
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
