// A data path on three interfaces and a daemon that migrates its flow table, over fake maps, links and pins.
#pragma once

#include <catch2/catch.hpp>

#include <algorithm>

#include "controller/datapath/config_writer.h"
#include "controller/datapath/metadata.h"
#include "controller/datapath/migration/table_migration.h"
#include "controller/datapath/stale_pins.h"
#include "tests/unit/datapath/fake_kernel.h"
#include "tests/unit/datapath/fake_pins.h"
#include "tests/unit/datapath/fake_table.h"

namespace glb::test {

using datapath::Attachments;
using datapath::DatapathHandles;
using datapath::DatapathHandlesPtr;
using datapath::Map;
using datapath::Pins;
using datapath::PinSet;
using datapath::TableMigration;
using datapath::TargetTimeouts;
namespace fs = std::filesystem;

inline constexpr unsigned lan = 3'000'001, wan = 3'000'002, tunnel = 3'000'003;
inline constexpr std::uint32_t small = 4096, large = 8192;

/// The steps of a daemon, as DatapathAdapter, TableResizer and Reconciler perform them.
struct Daemon {
    fs::path bpffs;
    std::optional<Pins> pins;
    std::optional<Attachments> attachments;
    DatapathHandlesPtr handles;
    std::optional<TableMigration> migration;

    Status start(std::uint32_t capacity) {
        GLB_ASSIGN(auto found, datapath::find_pin_sets(bpffs));
        std::vector<datapath::PinSetInfo> infos;
        for (const auto &set : found.sets)
            infos.push_back(set.info);
        const auto plan = plan_takeover(infos, GLB_SCHEMA, capacity);
        const auto running = plan.active ? plan.active : plan.source;
        if (!running)
            return fail("nothing to take over");
        pins = found.sets[*running].pins;
        GLB_ASSIGN(attachments, Attachments::open(*pins));
        for (const auto index : plan.discard)
            GLB_TRY(found.sets[index].pins.remove());
        if (plan.source) {
            std::optional<Pins> into;
            if (plan.active)
                into = found.sets[*plan.active].pins;
            return begin(found.sets[*plan.source], into, capacity, true);
        }
        const auto &set = found.sets[*plan.active];
        GLB_ASSIGN(handles, datapath::load(datapath::load_settings_from(*set.metadata, capacity), set.pins));
        return attachments->replace_program(handles->program(), found.programs);
    }
    Status resize(std::uint32_t capacity) {
        GLB_ASSIGN(const auto metadata, datapath::ConfigWriter(handles).metadata());
        return begin(PinSet{*pins, {GLB_SCHEMA, true, handles->capacity(), 0, 0, 0}, metadata}, std::nullopt,
                     capacity, false);
    }
    Status begin(const PinSet &source, const std::optional<Pins> &into, std::uint32_t capacity,
                 bool is_upgrade) {
        const auto settings = datapath::load_settings_from(*source.metadata, capacity);
        GLB_ASSIGN(migration,
                   TableMigration::prepare(bpffs, source, into, settings, make_metadata(settings, {1, 2})));
        if (is_upgrade)
            attachments->set_pins(migration->into());
        GLB_TRY(migration->copy(TargetTimeouts{}, now));
        GLB_TRY(migration->swap(*attachments, tunnel));
        return finish();
    }
    Status finish() {
        GLB_ASSIGN(const auto final_program, migration->catch_up(TargetTimeouts{}, now));
        GLB_TRY(migration->finish(*final_program, *attachments, tunnel));
        handles = final_program;
        pins = migration->into();
        migration.reset();
        return {};
    }
    /// As after a failure: continues a migration that has swapped, else undoes it.
    void recover() {
        if (!migration)
            return;
        if (migration->is_swapped()) {
            REQUIRE(finish());
            return;
        }
        REQUIRE(migration->undo(*attachments));
        migration.reset();
    }
};

struct MigrationFixture {
    FakeInterfaces interfaces;
    FakeKernel kernel;
    FakePins folder;
    Daemon daemon{folder.folder(), {}, {}, {}, {}};

    explicit MigrationFixture(std::uint32_t capacity = small) {
        datapath::LoadSettings settings;
        settings.capacity = capacity;
        settings.table_key = {5, 6};
        settings.punt_magic = 9;
        daemon.pins = Pins::make(bpffs()).value();
        daemon.handles = datapath::load(settings, daemon.pins).value();
        REQUIRE(datapath::ConfigWriter(daemon.handles).set_metadata(make_metadata(settings, {1, 2})));
        daemon.attachments = Attachments::open(*daemon.pins).value();
        for (const auto ifindex : {lan, wan, tunnel}) {
            (void)interfaces[ifindex];
            REQUIRE(daemon.attachments->attach(ifindex, "eth9", datapath::AttachMode::native,
                                               daemon.handles->program()));
        }
        operations().reset();
    }
    [[nodiscard]] const fs::path &bpffs() const { return folder.folder(); }
    [[nodiscard]] Table table() const { return Table(*daemon.pins); }
    [[nodiscard]] std::set<std::string> files() const {
        std::set<std::string> all;
        for (const auto &entry : fs::recursive_directory_iterator(bpffs()))
            if (!entry.is_directory())
                all.insert(entry.path().lexically_relative(bpffs()).string());
        return all;
    }
    [[nodiscard]] std::vector<std::uint32_t> programs() const {
        return {interfaces.program(lan), interfaces.program(wan), interfaces.program(tunnel)};
    }
    void put_flows(std::uint32_t count) const {
        for (std::uint32_t flow = 1; flow <= count; ++flow)
            table().put(flow, flow % 50);
    }
    Result<TableMigration> prepare(std::uint32_t capacity) {
        const auto metadata = datapath::ConfigWriter(daemon.handles).metadata().value();
        const auto settings = datapath::load_settings_from(metadata, capacity);
        return TableMigration::prepare(
            bpffs(), PinSet{*daemon.pins, {GLB_SCHEMA, true, daemon.handles->capacity(), 0, 0, 0}, metadata},
            std::nullopt, settings, make_metadata(settings, {1, 2}));
    }
    /// One set of this capacity, whose program, and nothing else, is on every interface and pinned.
    void check_state(std::uint32_t capacity, std::uint32_t flows) const {
        const auto found = datapath::find_pin_sets(bpffs());
        REQUIRE(found);
        REQUIRE(found->sets.size() == 1);
        const auto &set = found->sets[0];
        CHECK(set.info.filled);
        CHECK(set.info.capacity == capacity);
        CHECK(set.info.interfaces == 3);
        CHECK(set.info.previous_table_id == 0);
        CHECK(found->programs.size() == 1);
        for (const auto program : programs()) {
            CHECK(found->programs.contains(program));
            const auto *loaded = dynamic_cast<FakeProgram *>(FakeObject::find_id(program));
            REQUIRE(loaded);
            for (const auto &load : kernel.loads)
                if (load.program == loaded) {
                    CHECK(load.constants.glb_prev_shape.bucket_mask == 0);
                    CHECK(load.constants.glb_settings.bucket_mask == capacity / GLB_FLOW_WAYS - 1);
                    CHECK(load.constants.glb_settings.table_key.word[1] == 6);
                }
        }
        CHECK(datapath::find_stale_pins(bpffs(), set.pins)->empty());
        const Table table(set.pins);
        CHECK(table.rows() == capacity);
        CHECK(table.size() == flows);
        for (std::uint32_t flow = 1; flow <= flows; ++flow) {
            const auto *hot = table.find(flow);
            REQUIRE(hot);
            CHECK(glb_meta_target(hot->meta) == flow % 50);
            CHECK(glb_meta_code(hot->meta) == GLB_FLOW_ESTABLISHED);
        }
    }
};

} // namespace glb::test
