// TableMigration: flows, links and pins after a failure and after a kill at each step.
#include <catch2/catch.hpp>

#include "tests/unit/datapath/migration_fixture.h"

using namespace glb;
using namespace glb::test;

TEST_CASE("migration: a failed update of any link gives all links their program back", "[migration]") {
    for (const auto ifindex : {tunnel, lan, wan}) {
        CAPTURE(ifindex);
        MigrationFixture it;
        it.put_flows(10);
        const auto programs = it.programs();
        const auto before = it.files();
        auto migration = it.prepare(large);
        REQUIRE(migration);
        REQUIRE(migration->copy(TargetTimeouts{}, now));
        operations().before(fmt::format("update {}", ifindex), [] { operations().fail(1, ENOMEM); });
        const auto failed = migration->swap(*it.daemon.attachments, tunnel);
        REQUIRE_FALSE(failed);
        CHECK(failed.error().code == ENOMEM);
        CHECK_FALSE(migration->is_swapped());
        CHECK(it.programs() == programs);
        REQUIRE(migration->undo(*it.daemon.attachments));
        CHECK(it.files() == before);
        REQUIRE(it.daemon.attachments->detach(lan)); // programs are pinned in the older set again
        REQUIRE(it.daemon.attachments->attach(lan, "eth9", datapath::AttachMode::native,
                                              it.daemon.handles->program()));
        CHECK(it.files() == before);
        REQUIRE(it.daemon.resize(large));
        it.check_state(large, 10);
    }
}

TEST_CASE("migration: a link whose update could not be reverted keeps its set until undo() reverts it",
          "[migration]") {
    MigrationFixture it;
    it.put_flows(10);
    const auto programs = it.programs();
    const auto before = it.files();
    auto migration = it.prepare(large);
    REQUIRE(migration);
    REQUIRE(migration->copy(TargetTimeouts{}, now));
    operations().before(fmt::format("update {}", wan),
                        [] { operations().fail(1, ENOMEM, 2); }); // and a revert
    REQUIRE_FALSE(migration->swap(*it.daemon.attachments, tunnel));
    CHECK(it.programs() != programs);
    operations().before(fmt::format("update {}", lan), [] { operations().fail(1, ENOMEM); });
    const auto failed = migration->undo(*it.daemon.attachments);
    REQUIRE_FALSE(failed);
    CHECK(failed.error().code == ENOMEM);
    CHECK(migration->into().metadata()->has_value()); // a later daemon finds the set and its program
    operations().reset();
    REQUIRE(migration->undo(*it.daemon.attachments));
    CHECK(it.programs() == programs);
    CHECK(it.files() == before);
    it.check_state(small, 10);
    REQUIRE(it.daemon.resize(large));
    it.check_state(large, 10);
}

namespace {

/// The operations of a migration, from 1, at which a run of operations of one kind begins or ends.
std::vector<std::size_t> changes_of_kind() {
    MigrationFixture it;
    REQUIRE(it.daemon.resize(large));
    std::vector<std::string> kinds;
    for (const auto &operation : operations().take())
        kinds.push_back(operation.substr(0, operation.find_first_of(" [")));
    std::vector<std::size_t> steps;
    for (std::size_t i = 0; i < kinds.size(); ++i)
        if (i == 0 || i + 1 == kinds.size() || kinds[i - 1] != kinds[i] || kinds[i + 1] != kinds[i])
            steps.push_back(i + 1);
    return steps;
}

} // namespace

TEST_CASE(
    "migration: after a failure at any step the old table is in use as before, or the new one to the end",
    "[migration]") {
    std::size_t undone = 0, finished = 0;
    for (const auto nth : changes_of_kind()) {
        CAPTURE(nth);
        MigrationFixture it;
        it.put_flows(12);
        const auto programs = it.programs();
        const auto before = it.files();
        operations().fail(nth, ENOMEM);
        CHECK_FALSE(it.daemon.resize(large));
        CHECK_FALSE(operations().fails_later());
        operations().reset();
        const bool swapped = it.daemon.migration && it.daemon.migration->is_swapped();
        it.daemon.recover();
        if (swapped) {
            ++finished;
        } else {
            ++undone;
            CHECK(it.programs() == programs);
            CHECK(it.files() == before);
            it.check_state(small, 12);
            REQUIRE(it.daemon.resize(large));
        }
        it.check_state(large, 12);
    }
    CHECK(undone >= 10);
    CHECK(finished >= 5);
}

TEST_CASE("migration: after a kill at any step the next daemon takes over the flows", "[migration]") {
    const auto wanted = GENERATE(large, small);
    for (const auto nth : changes_of_kind()) {
        CAPTURE(nth);
        MigrationFixture it;
        it.put_flows(12);
        operations().fail(nth, EIO, 1'000'000); // a dead process performs no operation
        CHECK_FALSE(it.daemon.resize(large));
        it.daemon = Daemon{it.bpffs(), {}, {}, {}, {}};
        operations().reset();
        const auto started = it.daemon.start(wanted);
        if (!started)
            FAIL(started.error().message);
        it.check_state(wanted, 12);
    }
}

TEST_CASE("migration: a source whose table is not pinned is an error and leaves no new set", "[migration]") {
    MigrationFixture it;
    const auto before = it.files();
    for (const auto map : {Map::flows_hot, Map::flows_cold}) {
        const auto pin = it.daemon.pins->map(map).string();
        open_failures()[pin] = ENOENT;
        const auto failed = it.prepare(large);
        open_failures().clear();
        REQUIRE_FALSE(failed);
        CHECK(failed.error().code == ENOENT);
        CHECK(failed.error().message.starts_with("cannot open the pin " + pin));
        CHECK(it.files() == before);
    }
}
