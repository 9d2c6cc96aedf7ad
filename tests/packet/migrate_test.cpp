// Packets whose flow is in the previous table: both legs migrate it.
#include <catch2/catch.hpp>

#include <linux/bpf.h>

#include <bpf/bpf.h>

#include "abi/flow.h"
#include "tests/packet/rig.h"

using namespace glb;
using namespace glb::test;

namespace {

const Packet client_syn = IPv4{} / Tcp{.sport = 40000, .dport = 80, .flags = tcp::syn};
const Packet client_ack = IPv4{} / Tcp{.sport = 40000, .dport = 80, .flags = tcp::ack};

struct Sent {
    unsigned target = 0;
    std::uint32_t cookie = 0;
    std::uint16_t entropy = 0;
};

Sent send_out(Rig &rig, const Packet &inner) {
    const auto outcome = rig.send(from_client(inner));
    REQUIRE(outcome.code == XDP_REDIRECT);
    return {outcome.frame.at(5) == target2_mac.bytes[5] ? 1u : 0u, cookie_of(outcome.frame),
            entropy_of(outcome.frame)};
}

/// The table of a rig as the previous table of another.
datapath::MigrationSource table_of(const Rig &rig) {
    return {rig.roles.handles->map(datapath::Map::flows_hot),
            {GLB_FLOW_MIN_CAPACITY / GLB_FLOW_WAYS - 1, GLB_FLOW_WAYS, GLB_FLOW_BUCKETS, 0}};
}

glb_flow_hot entry(const Rig &rig, std::uint32_t slot) {
    glb_flow_hot hot{};
    REQUIRE(bpf_map_lookup_elem(rig.roles.handles->map(datapath::Map::flows_hot), &slot, &hot) == 0);
    return hot;
}

void set_entry(int table, std::uint32_t slot, const glb_flow_hot &hot) {
    REQUIRE(bpf_map_update_elem(table, &slot, &hot, BPF_ANY) == 0);
}

/// New flows are sent to the other target than that of `flow`.
void steer_elsewhere(Rig &rig, unsigned target) {
    const std::vector<std::uint16_t> slots(GLB_MAGLEV_SLOTS, static_cast<std::uint16_t>(1 - target));
    REQUIRE(rig.roles.config.put_maglev(sample_table, slots));
}

} // namespace

TEST_CASE("migration: an outbound packet migrates its flow with target and state", "[migrate]") {
    Rig before;
    const auto sent = send_out(before, client_syn);
    auto hot = entry(before, sent.cookie >> 8);
    hot.meta = glb_meta_with_code(hot.meta, GLB_FLOW_ESTABLISHED);
    set_entry(before.roles.handles->map(datapath::Map::flows_hot), sent.cookie >> 8, hot);

    Rig after(table_of(before));
    steer_elsewhere(after, sent.target);
    const auto again = send_out(after, client_ack);
    CHECK(again.target == sent.target);
    CHECK(after.count(GLB_COUNT_FLOW_MIGRATED) == 1);
    CHECK(after.count(GLB_COUNT_FLOW_MIDSTREAM) == 0);
    CHECK(glb_meta_code(entry(after, again.cookie >> 8).meta) == GLB_FLOW_ESTABLISHED);
    CHECK(send_out(after, client_ack).cookie == again.cookie);
    CHECK(after.count(GLB_COUNT_FLOW_MIGRATED) == 1);

    Rig alone; // without the previous table it is a midstream flow like any other
    steer_elsewhere(alone, sent.target);
    CHECK(send_out(alone, client_ack).target != sent.target);
    CHECK(alone.count(GLB_COUNT_FLOW_MIGRATED) == 0);
}

TEST_CASE("migration: a returned packet of an unmigrated flow is accepted as cookie_stale", "[migrate]") {
    Rig before;
    const auto sent = send_out(before, client_syn);
    Rig after(table_of(before));
    const auto back = after.send(returned(sent.target, sent.cookie, sent.entropy, client_syn));
    CHECK(back.code == XDP_PASS);
    CHECK(after.count(GLB_COUNT_PUNTED) == 1);
    CHECK(after.count(GLB_COUNT_FLOW_MIGRATED) == 1);
    CHECK(after.count(GLB_COUNT_COOKIE_STALE) + (sent.cookie == send_out(after, client_ack).cookie) == 1);

    CHECK(after.send(returned(1 - sent.target, sent.cookie, sent.entropy, client_syn)).code == XDP_DROP);
    CHECK(after.drops(GLB_DROP_WRONG_TARGET) == 1);
    const Packet unknown_flow = IPv4{} / Tcp{.sport = 40001, .dport = 80, .flags = tcp::ack};
    CHECK(after.send(returned(sent.target, sent.cookie, sent.entropy, unknown_flow)).code == XDP_DROP);
    CHECK(after.drops(GLB_DROP_UNKNOWN_FLOW) == 1);
}

TEST_CASE("migration: the previous table may have any shape", "[migrate]") {
    Rig before;
    const auto sent = send_out(before, client_syn);
    const auto hot = entry(before, sent.cookie >> 8);
    LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE);
    const Fd table(
        bpf_map_create(BPF_MAP_TYPE_ARRAY, "older", 4, sizeof hot, GLB_FLOW_MIN_CAPACITY, &options));
    REQUIRE(table);
    constexpr std::uint32_t ways = 4, buckets = 3, mask = GLB_FLOW_MIN_CAPACITY / ways - 1;
    const auto bucket = GENERATE(0u, 1u, 2u);
    const auto way = GENERATE(0u, 3u);
    set_entry(table.get(), glb_flow_bucket(hot.tag, mask, bucket) * ways + way, hot);
    Rig after(datapath::MigrationSource{table.get(), {mask, ways, buckets, 0}});
    steer_elsewhere(after, sent.target);
    CHECK(send_out(after, client_ack).target == sent.target);
    CHECK(after.count(GLB_COUNT_FLOW_MIGRATED) == 1);
}
