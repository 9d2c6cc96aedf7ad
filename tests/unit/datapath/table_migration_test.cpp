// TableMigration: flows, links and pins after each step, without failures.
#include <catch2/catch.hpp>

#include "tests/unit/datapath/migration_fixture.h"

using namespace glb;
using namespace glb::test;

TEST_CASE("migration: flows have their targets in a larger and in a smaller table, and the old set is gone",
          "[migration]") {
    const auto from = GENERATE(small, large);
    MigrationFixture it(from);
    it.put_flows(60);
    const auto to = from == small ? large : small;
    REQUIRE(it.daemon.resize(to));
    it.check_state(to, 60);
    REQUIRE(it.daemon.resize(from));
    it.check_state(from, 60);
}

TEST_CASE("migration: prepare() and copy() change neither links nor the older set, and fill the new one",
          "[migration]") {
    MigrationFixture it;
    it.put_flows(40);
    const auto programs = it.programs();
    const auto before = it.files();
    auto migration = it.prepare(large);
    REQUIRE(migration);
    CHECK(it.programs() == programs);
    CHECK_FALSE(migration->into().metadata()->has_value()); // a later daemon discards it
    CHECK(Table(migration->into()).size() == 0);
    REQUIRE(migration->copy(TargetTimeouts{}, now));
    CHECK(it.programs() == programs);
    CHECK_FALSE(migration->is_swapped());
    CHECK(migration->counts().copied == 40);
    CHECK(Table(migration->into()).size() == 40);
    const auto metadata = migration->into().metadata();
    REQUIRE(metadata);
    REQUIRE(metadata->has_value());
    CHECK((*metadata)->shape.bucket_mask == large / GLB_FLOW_WAYS - 1);
    CHECK(it.table().size() == 40);
    const auto after = it.files();
    CHECK(std::ranges::includes(after, before));
    REQUIRE(migration->undo(*it.daemon.attachments));
    CHECK(it.files() == before);
}

TEST_CASE("migration: the tunnel's link is swapped first, to a program that looks up the older table",
          "[migration]") {
    MigrationFixture it;
    auto migration = it.prepare(large);
    REQUIRE(migration);
    REQUIRE(migration->copy(TargetTimeouts{}, now));
    operations().reset();
    REQUIRE(migration->swap(*it.daemon.attachments, tunnel));
    std::vector<std::string> updates;
    for (const auto &operation : operations().take())
        if (operation.starts_with("update "))
            updates.push_back(operation);
    CHECK(updates == std::vector{fmt::format("update {}", tunnel), fmt::format("update {}", lan),
                                 fmt::format("update {}", wan)});
    CHECK(migration->is_swapped());
    const auto &transitional = it.kernel.loads.back();
    CHECK(it.programs() == std::vector(3, transitional.program->id()));
    CHECK(transitional.constants.glb_prev_shape.bucket_mask == small / GLB_FLOW_WAYS - 1);
    CHECK(transitional.constants.glb_prev_shape.ways == GLB_FLOW_WAYS);
    const Fd older(bpf_obj_get(migration->source().map(Map::flows_hot).c_str()));
    CHECK(transitional.program->uses(FakeObject::find(older.get())->id()));
}

TEST_CASE("migration: flows that the older program writes until its last packet are caught up",
          "[migration]") {
    MigrationFixture it;
    it.put_flows(10);
    const auto older = it.table();
    auto migration = it.prepare(large);
    REQUIRE(migration);
    REQUIRE(migration->copy(TargetTimeouts{}, now));
    older.put(11, 11);                            // after the copy
    older.put(1, 1, GLB_FLOW_CLOSING_0, now - 5); // advanced
    operations().before(fmt::format("update {}", lan), [&] { older.put(12, 12); });
    REQUIRE(migration->swap(*it.daemon.attachments, tunnel));
    operations().before("grace period", [&] {
        older.put(13, 13);
        older.put(2, 33, GLB_FLOW_ESTABLISHED, now - 5); // on another target
    });
    const auto final_program = migration->catch_up(TargetTimeouts{}, now);
    REQUIRE(final_program);
    const Table newer(migration->into());
    CHECK(newer.size() == 13);
    for (const std::uint32_t flow : {11u, 12u, 13u}) {
        REQUIRE(newer.find(flow));
        CHECK(glb_meta_target(newer.find(flow)->meta) == flow);
        CHECK(newer.find(flow)->count[0].packets == flow);
    }
    CHECK(glb_meta_code(newer.find(1)->meta) == GLB_FLOW_CLOSING_0);
    CHECK(glb_meta_target(newer.find(2)->meta) == 33);
    CHECK(migration->counts().copied == 13);
    CHECK(migration->counts().updated == 2);
}

TEST_CASE("migration: what the newer program wrote since the swap is not overwritten by the last pass",
          "[migration]") {
    MigrationFixture it;
    it.put_flows(10);
    auto migration = it.prepare(large);
    REQUIRE(migration);
    REQUIRE(migration->copy(TargetTimeouts{}, now));
    REQUIRE(migration->swap(*it.daemon.attachments, tunnel));
    const Table newer(migration->into());
    auto &meta = newer.find(3)->meta;
    meta = glb_meta_with_target(glb_meta_with_seen(meta, now), 44);
    newer.find(3)->count[0].packets = 1000;
    it.table().put(4, 4, GLB_FLOW_ESTABLISHED, now - 400 * second); // expired since
    REQUIRE(migration->catch_up(TargetTimeouts{}, now));
    REQUIRE(migration->catch_up(TargetTimeouts{}, now)); // may be repeated
    CHECK(glb_meta_target(newer.find(3)->meta) == 44);
    CHECK(newer.find(3)->count[0].packets == 1000);
    CHECK(newer.size() == 10);
}

TEST_CASE("migration: a flow that has expired is not copied", "[migration]") {
    MigrationFixture it;
    it.put_flows(5);
    it.table().put(6, 6, GLB_FLOW_ESTABLISHED, now - 351 * second);
    it.table().put(7, 7, GLB_FLOW_CLOSED, now - 11 * second);
    it.table().put(8, 8, GLB_FLOW_FREE);
    REQUIRE(it.daemon.resize(large));
    it.check_state(large, 5);
}

TEST_CASE("migration: flows without a place in a smaller table are stamped as untracked", "[migration]") {
    MigrationFixture it(2 * large);
    for (std::uint32_t flow = 1; flow <= 6000; ++flow)
        it.table().put(flow, 7);
    auto migration = it.prepare(small);
    REQUIRE(migration);
    REQUIRE(migration->copy(TargetTimeouts{}, now));
    const Table newer(migration->into());
    CHECK(migration->counts().no_place >= 6000 - small);
    std::set<std::uint64_t> present;
    for (std::uint32_t slot = 0; slot < 6000; ++slot)
        if (newer.find(slot + 1))
            present.insert(slot + 1);
    CHECK(present.size() == newer.size());
    const auto &stamps = *find_fake<FakeMap>(it.daemon.handles->map(Map::stamps));
    const auto stamp_of = [&](std::uint32_t flow) {
        const auto place = static_cast<std::uint32_t>(Table::tag(flow) >> 20) & (GLB_STAMPS - 1);
        const std::uint32_t word = place / 4;
        std::uint64_t row = 0;
        std::memcpy(&row, const_cast<FakeMap &>(stamps).find_row(&word), sizeof row);
        return static_cast<std::uint16_t>(row >> 16 * (place % 4));
    };
    unsigned unstamped = 0, stamped = 0;
    for (std::uint32_t flow = 1; flow <= 6000; ++flow)
        if (!present.contains(flow))
            ++(stamp_of(flow) == (static_cast<std::uint16_t>(now / second) | 1) ? stamped : unstamped);
    CHECK(stamped == 6000 - present.size());
    CHECK(unstamped == 0);
}

TEST_CASE("migration: a resumed one keeps what the newer program wrote before the restart", "[migration]") {
    MigrationFixture it;
    it.put_flows(10);
    auto migration = it.prepare(large);
    REQUIRE(migration);
    REQUIRE(migration->copy(TargetTimeouts{}, now));
    REQUIRE(migration->swap(*it.daemon.attachments, tunnel));
    const auto into = migration->into();
    const auto older = it.table();
    migration = fail("killed");
    it.daemon = Daemon{it.bpffs(), {}, {}, {}, {}};
    auto &hot = *Table(into).find(3);
    hot.meta = glb_meta_with_target(glb_meta_with_seen(hot.meta, now), 44); // moved to another target
    hot.count[0].packets = 1000;
    older.put(4, 45, GLB_FLOW_ESTABLISHED, now - 5); // by the older program, just before the swap
    older.put(11, 11);
    REQUIRE(it.daemon.start(large));
    CHECK(it.daemon.pins->name() == into.name());
    const Table newer(into);
    CHECK(newer.size() == 11);
    CHECK(glb_meta_target(newer.find(3)->meta) == 44);
    CHECK(static_cast<std::uint32_t>(newer.find(3)->meta) == now);
    CHECK(newer.find(3)->count[0].packets == 1000);
    CHECK(glb_meta_target(newer.find(4)->meta) == 45);
    CHECK(newer.find(11)->count[0].packets == 11);
    CHECK(it.files().contains(fmt::format("{}/maps/glb_flows_hot", into.name())));
    CHECK(datapath::find_pin_sets(it.bpffs())->sets.size() == 1);
}

TEST_CASE("migration: from another schema the configuration moves with the flows", "[migration]") {
    MigrationFixture it;
    it.put_flows(12);
    const auto name = fmt::format("v{}", GLB_SCHEMA - 1);
    fs::rename(it.bpffs() / it.daemon.pins->name(), it.bpffs() / name);
    auto metadata = datapath::ConfigWriter(it.daemon.handles).metadata().value();
    metadata.schema = GLB_SCHEMA - 1;
    REQUIRE(datapath::ConfigWriter(it.daemon.handles).set_metadata(metadata));
    const glb_group group{GLB_NO_TABLE, GLB_NO_TABLE, 0, 55, 1, 0, 0};
    const std::uint32_t row = 3, counter = 1, control = 0;
    const glb_count counts[fake_cpus] = {{10, 11}, {20, 21}, {30, 31}};
    const glb_control active{1, 0, 42};
    const auto &older = it.daemon.handles;
    REQUIRE(find_fake<FakeMap>(older->map(Map::groups))->write_row(&row, &group) == 0);
    REQUIRE(find_fake<FakeMap>(older->map(Map::drops))->write_row(&counter, counts) == 0);
    REQUIRE(find_fake<FakeMap>(older->map(Map::control))->write_row(&control, &active) == 0);
    const auto stamps = find_fake<FakeMap>(older->map(Map::stamps))->id();
    const auto drops = find_fake<FakeMap>(older->map(Map::drops))->id();
    it.daemon = Daemon{it.bpffs(), {}, {}, {}, {}};
    REQUIRE(it.daemon.start(large));
    it.check_state(large, 12);
    const auto map = [&](Map each) { return find_fake<FakeMap>(it.daemon.handles->map(each)); };
    CHECK(map(Map::stamps)->id() == stamps);
    CHECK(map(Map::drops)->id() != drops);
    CHECK(std::memcmp(map(Map::groups)->find_row(&row), &group, sizeof group) == 0);
    CHECK(std::memcmp(map(Map::control)->find_row(&control), &active, sizeof active) == 0);
    CHECK(std::memcmp(map(Map::drops)->find_row(&counter), counts, sizeof counts) == 0);
    CHECK(it.daemon.pins->metadata()->value().schema == GLB_SCHEMA);
}
