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

} // namespace glb::test
