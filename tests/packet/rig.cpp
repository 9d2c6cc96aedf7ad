#include "tests/packet/rig.h"

#include <algorithm>

#include "tests/harness/must.h"

namespace glb::test {

namespace {

datapath::LoadSettings settings() {
    const auto sample = sample_settings();
    datapath::LoadSettings load;
    load.capacity = GLB_FLOW_MIN_CAPACITY;
    std::ranges::copy(sample.table_key.word, load.table_key.begin());
    load.punt_magic = sample.punt_magic;
    return load;
}

std::uint32_t read32(const Bytes &bytes, std::size_t at) {
    return std::uint32_t{bytes.at(at)} << 24 | std::uint32_t{bytes.at(at + 1)} << 16 |
           std::uint32_t{bytes.at(at + 2)} << 8 | bytes.at(at + 3);
}

} // namespace

Rig::Rig() : Rig(must(datapath::load(settings()))) {}

Rig::Rig(const datapath::MigrationSource &older)
    : Rig(must(datapath::load(settings(), std::nullopt, older))) {}

Rig::Rig(const datapath::DatapathHandlesPtr &handles)
    : config(sample_bank()), roles(handles), runner_(handles->program()) {
    must(roles.config.put_maglev(sample_table, sample_slots()));
    for (std::uint32_t index = 0; index < 2; ++index)
        must(roles.state.set_target_state(index, sample_target_state));
    must(roles.egress.add_device(1));
    apply();
}

void Rig::apply() {
    must(roles.config.write_idle_bank(must(plan::build_bank(config))));
    must(roles.config.flip(true));
}

Outcome Rig::send(const Bytes &frame) {
    RunOptions options;
    options.ingress_ifindex = 1;
    auto result = runner_.run(frame, options);
    return {result.verdict, std::move(result.bytes), std::move(result.metadata)};
}

std::uint64_t Rig::drops(glb_drop reason) const {
    return must(roles.counters.drops())[reason].packets;
}

std::uint64_t Rig::count(glb_counter counter) const {
    return must(roles.counters.counters())[counter].packets;
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
