// ConfigWriter: Maglev tables, overrides, metadata, names, and indexes that are assigned again.
#include <catch2/catch.hpp>

#include "controller/datapath/config_writer.h"
#include "controller/plan/maglev.h"
#include "tests/unit/datapath/fake_maps.h"
#include "tests/unit/datapath/fake_pins.h"

using namespace glb;
using namespace glb::test;
using datapath::ConfigWriter;
using datapath::Map;

namespace {

using Names = std::vector<std::string>;
using Slots = std::vector<std::uint16_t>;

Slots slots_of(std::uint16_t target) {
    return Slots(GLB_MAGLEV_SLOTS, target);
}

/// The slots of the table at `index`.
Slots table_of(const FakeMaps &maps, std::uint32_t index) {
    auto *table = maps.table(index);
    REQUIRE(table);
    Slots slots(GLB_MAGLEV_SLOTS);
    const std::uint32_t first = 0;
    std::memcpy(slots.data(), table->find_row(&first), slots.size() * sizeof(std::uint16_t));
    return slots;
}

} // namespace

TEST_CASE("config writer: a Maglev table is filled before it is visible, and its fingerprint comes last",
          "[config-writer]") {
    FakeMaps maps;
    ConfigWriter writer(maps.handles());
    CHECK(*writer.maglev_fingerprint_at(3) == 0);
    REQUIRE(writer.put_maglev(3, slots_of(7)));
    CHECK(operations().take() == Names{"create glb_maglev_tab", "glb_maglev_tab[0-16384]", "glb_maglev[3]",
                                       "glb_maglev_fingerprints[3]"});
    CHECK(table_of(maps, 3) == slots_of(7));
    CHECK(*writer.maglev_fingerprint_at(3) == plan::maglev_fingerprint(slots_of(7)));
}

TEST_CASE("config writer: a removed table's inner map is filled again, not replaced", "[config-writer]") {
    FakeMaps maps;
    ConfigWriter writer(maps.handles());
    REQUIRE(writer.put_maglev(3, slots_of(7)));
    const auto *table = maps.table(3);
    REQUIRE(writer.remove_maglev(3));
    CHECK(*writer.maglev_fingerprint_at(3) == 0);
    operations().reset();
    REQUIRE(writer.put_maglev(3, slots_of(8)));
    CHECK(operations().take() == Names{"glb_maglev_tab[0-16384]", "glb_maglev_fingerprints[3]"});
    CHECK(maps.table(3) == table);
    CHECK(table_of(maps, 3) == slots_of(8));
}

TEST_CASE("config writer: a Maglev table is written a grace period after a flip", "[config-writer]") {
    FakeMaps maps;
    ConfigWriter writer(maps.handles());
    REQUIRE(writer.flip(true));
    REQUIRE(writer.put_maglev(3, slots_of(7)));
    CHECK(operations().take()[1] == "grace period");
}

TEST_CASE("config writer: a Maglev table of another size or index is refused", "[config-writer]") {
    FakeMaps maps;
    ConfigWriter writer(maps.handles());
    CHECK_FALSE(writer.put_maglev(GLB_MAX_TABLES, slots_of(7)));
    CHECK_FALSE(writer.put_maglev(0, Slots(GLB_MAGLEV_SLOTS - 1)));
    CHECK(operations().take().empty());
    CHECK_FALSE(writer.remove_maglev(GLB_MAX_TABLES));
    CHECK_FALSE(writer.maglev_fingerprint_at(GLB_MAX_TABLES));
}

TEST_CASE("config writer: a Maglev table that fails at any write has no fingerprint, and can be repeated",
          "[config-writer]") {
    const auto [nth, message] = GENERATE(
        table<std::size_t, std::string>({{1, "cannot create a Maglev table: "},
                                         {2, "cannot write a Maglev table: 8192 of 16385 rows written: "},
                                         {3, "cannot write row 3 of glb_maglev: "},
                                         {4, "cannot write row 3 of glb_maglev_fingerprints: "}}));
    FakeMaps maps;
    ConfigWriter writer(maps.handles());
    operations().fail(nth, ENOMEM);
    const auto failed = writer.put_maglev(3, slots_of(7));
    REQUIRE_FALSE(failed);
    CHECK(failed.error().code == ENOMEM);
    CHECK(failed.error().message.starts_with(message));
    CHECK(*writer.maglev_fingerprint_at(3) == 0);
    REQUIRE(writer.put_maglev(3, slots_of(7)));
    CHECK(table_of(maps, 3) == slots_of(7));
    CHECK(*writer.maglev_fingerprint_at(3) == plan::maglev_fingerprint(slots_of(7)));
}

TEST_CASE("config writer: without CAP_SYS_ADMIN a later daemon opens a Maglev table by its pin",
          "[config-writer]") {
    FakeMaps maps;
    const FakePins folder;
    ConfigWriter earlier(maps.handles(folder.pins()));
    REQUIRE(earlier.put_maglev(3, slots_of(7)));
    const auto *table = maps.table(3);
    ConfigWriter writer(maps.handles(folder.pins()));
    ids_allowed() = false;
    SECTION("the pin is that of the table") {
        REQUIRE(writer.put_maglev(3, slots_of(8)));
        CHECK(maps.table(3) == table);
    }
    SECTION("no pin, or that of another map: the table and its pin are replaced") {
        std::filesystem::remove(folder.pins().table(3));
        if (GENERATE(false, true))
            REQUIRE(bpf_obj_pin(maps[Map::node].fd(), folder.pins().table(3).c_str()) == 0);
        REQUIRE(writer.put_maglev(3, slots_of(8)));
        CHECK(maps.table(3) != table);
        table = maps.table(3);
        REQUIRE(writer.put_maglev(3, slots_of(9)));
        CHECK(maps.table(3) == table);
    }
    CHECK(*writer.maglev_fingerprint_at(3) == plan::maglev_fingerprint(table_of(maps, 3)));
}

TEST_CASE("config writer: a Maglev table that cannot be pinned is an error that names the pin",
          "[config-writer]") {
    FakeMaps maps;
    const FakePins folder;
    ConfigWriter writer(maps.handles(folder.pins()));
    operations().fail(3, ENOSPC); // behind the creation and the rows
    const auto failed = writer.put_maglev(3, slots_of(7));
    REQUIRE_FALSE(failed);
    CHECK(failed.error().message.starts_with("cannot pin Maglev table 3 as " +
                                             folder.pins().table(3).string() + ": "));
    CHECK(*writer.maglev_fingerprint_at(3) == 0);
    REQUIRE(writer.put_maglev(3, slots_of(7)));
    CHECK(*writer.maglev_fingerprint_at(3) != 0);
    CHECK(std::filesystem::exists(folder.pins().table(3)));
}

TEST_CASE("config writer: overrides and metadata are rows of their maps", "[config-writer]") {
    FakeMaps maps;
    ConfigWriter writer(maps.handles());
    REQUIRE(writer.set_endpoint_override(5, GLB_ENDPOINT_BYPASS));
    CHECK(maps.row<std::uint64_t>(Map::endpoint_override, 5) == GLB_ENDPOINT_BYPASS);
    glb_metadata metadata{};
    metadata.schema = GLB_SCHEMA;
    metadata.shape.ways = 8;
    REQUIRE(writer.set_metadata(metadata));
    const auto read = writer.metadata();
    REQUIRE(read);
    CHECK(std::memcmp(&*read, &metadata, sizeof metadata) == 0);
    operations().fail(1);
    CHECK(writer.set_metadata(metadata).error().message.starts_with("cannot write row 0 of glb_metadata: "));
}

TEST_CASE("config writer: a name replaces the whole row, and one that does not fit is refused",
          "[config-writer]") {
    FakeMaps maps;
    ConfigWriter writer(maps.handles());
    const std::string longest(GLB_INDEX_NAME_BYTES - 1, 'x');
    REQUIRE(writer.set_index_name(GLB_INDEX_NAMES_TARGETS, longest));
    CHECK(maps.row<glb_index_name>(Map::index_names, GLB_INDEX_NAMES_TARGETS).text == longest);
    CHECK_FALSE(writer.set_index_name(GLB_INDEX_NAMES_TARGETS, longest + 'x'));
    CHECK(maps.row<glb_index_name>(Map::index_names, GLB_INDEX_NAMES_TARGETS).text == longest);
    REQUIRE(writer.set_index_name(GLB_INDEX_NAMES_TARGETS, "g/a"));
    const auto row = maps.row<glb_index_name>(Map::index_names, GLB_INDEX_NAMES_TARGETS);
    CHECK(std::string(row.text) == "g/a");
    CHECK(row.text[GLB_INDEX_NAME_BYTES - 2] == '\0');
    CHECK_FALSE(writer.set_index_name(GLB_INDEX_NAMES, "g/a"));
}

namespace {

constexpr auto seen_bit = std::uint64_t{1} << 7;

/// Endpoints 5 and 6 and targets 7 and 8 with counters, an override, and bits of glb_endpoint_target_seen.
void use_indexes(const FakeMaps &maps) {
    for (const std::uint32_t endpoint : {5u, 6u}) {
        for (unsigned cpu = 0; cpu < fake_cpus; ++cpu)
            maps.set_row(Map::endpoint_counts, endpoint, glb_endpoint_count{{1, 1}, {1, 1}}, cpu);
        maps.set_row(Map::endpoint_override, endpoint, std::uint64_t{GLB_ENDPOINT_BYPASS});
        maps.set_row(Map::endpoint_target_seen, endpoint * GLB_SEEN_ROW_WORDS, 3 * seen_bit);
        maps.set_row(Map::endpoint_target_seen, GLB_SEEN_ANY + endpoint, std::uint64_t{1});
    }
    for (unsigned cpu = 0; cpu < fake_cpus; ++cpu)
        for (const std::uint32_t target : {7u, 8u})
            maps.set_row(Map::target_counts, cpu * GLB_MAX_TARGETS + target,
                         glb_target_count{{1, 1}, {1, 1}, 1, 1, 1, 1, 1, 0});
}

} // namespace

TEST_CASE("config writer: a forgotten endpoint has no counters, override or seen targets; others stay",
          "[config-writer]") {
    FakeMaps maps;
    const auto handles = maps.handles();
    ConfigWriter writer(handles);
    use_indexes(maps);
    REQUIRE(writer.forget_endpoint(5));
    const auto &seen = handles->endpoint_target_seen();
    CHECK_FALSE(seen.was_seen(5));
    CHECK_FALSE(seen.was_seen(5, 7));
    CHECK(seen.was_seen(6));
    CHECK(seen.was_seen(6, 7));
    CHECK(maps.row<std::uint64_t>(Map::endpoint_override, 5) == 0);
    CHECK(maps.row<std::uint64_t>(Map::endpoint_override, 6) == GLB_ENDPOINT_BYPASS);
    using Row = std::array<glb_endpoint_count, fake_cpus>;
    for (unsigned cpu = 0; cpu < fake_cpus; ++cpu) {
        CHECK(maps.row<Row>(Map::endpoint_counts, 5)[cpu].in.packets == 0);
        CHECK(maps.row<Row>(Map::endpoint_counts, 6)[cpu].in.packets == 1);
    }
    CHECK_FALSE(writer.forget_endpoint(GLB_MAX_ENDPOINTS));
}

TEST_CASE("config writer: a forgotten target has no counters and was seen by no endpoint; others stay",
          "[config-writer]") {
    FakeMaps maps;
    const auto handles = maps.handles();
    ConfigWriter writer(handles);
    use_indexes(maps);
    REQUIRE(writer.forget_target(7));
    const auto &seen = handles->endpoint_target_seen();
    CHECK_FALSE(seen.was_seen(5, 7));
    CHECK_FALSE(seen.was_seen(6, 7));
    CHECK(seen.was_seen(5, 8));
    CHECK(seen.was_seen(5)); // through any target
    CHECK(handles->target_counts().sum(7).new_flows == 0);
    CHECK(handles->target_counts().sum(8).new_flows == fake_cpus);
    CHECK_FALSE(writer.forget_target(GLB_MAX_TARGETS));
}

TEST_CASE("config writer: an index whose counters cannot be cleared is an error that names the map",
          "[config-writer]") {
    FakeMaps maps;
    ConfigWriter writer(maps.handles());
    use_indexes(maps);
    const auto check_error = [](const Status &done, const std::string &message) {
        REQUIRE_FALSE(done);
        CHECK(done.error().message.starts_with(message));
    };
    operations().fail(1);
    check_error(writer.forget_endpoint(5), "cannot write row 5 of glb_endpoint_override: ");
    operations().fail(2);
    check_error(writer.forget_endpoint(5), "cannot write row 5 of glb_endpoint_counts: ");
    operations().fail(2);
    check_error(writer.forget_target(7),
                fmt::format("cannot write row {} of glb_target_counts: ", GLB_MAX_TARGETS + 7));
    CHECK(writer.forget_endpoint(5));
    CHECK(writer.forget_target(7));
}
