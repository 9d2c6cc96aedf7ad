// Pins, and the configuration that is read from pinned maps.
#include <catch2/catch.hpp>

#include <fstream>

#include "controller/datapath/attachments.h"
#include "controller/datapath/pin_sets.h"
#include "controller/datapath/pinned_config.h"
#include "tests/unit/datapath/fake_links.h"
#include "tests/unit/datapath/fake_maps.h"
#include "tests/unit/datapath/fake_pins.h"

using namespace glb;
using namespace glb::test;
using datapath::Map;
using datapath::Pins;

namespace {

/// Pinned maps of the XDP program.
struct PinnedFixture {
    FakeMaps maps;
    FakePins folder;
    Pins pins = folder.pins();

    PinnedFixture() {
        for (const auto map : datapath::all_maps)
            pin(map, maps[map]);
    }
    void pin(Map map, const FakeMap &object) const {
        std::filesystem::remove(pins.map(map));
        REQUIRE(bpf_obj_pin(object.fd(), pins.map(map).c_str()) == 0);
    }
    void unpin(Map map) const { std::filesystem::remove(pins.map(map)); }
};

glb_metadata metadata_of(std::uint32_t schema) {
    glb_metadata metadata{};
    metadata.schema = schema;
    metadata.shape.bucket_mask = 511;
    return metadata;
}

} // namespace

TEST_CASE("pins: a folder on another file system is refused with the mount command", "[pins]") {
    const FakePins folder;
    const auto refused = Pins::open(folder.folder() / "bpf");
    REQUIRE_FALSE(refused);
    CHECK(refused.error().message.find("mount -t bpf") != std::string::npos);
}

TEST_CASE("pins: sets of every schema are found by their names, and maps have the names of their schema",
          "[pins]") {
    const FakePins folder;
    for (const auto *name : {"v2", "v3-1", "v", "v3-", "vx", "v3x", "links2"})
        std::filesystem::create_directories(folder.folder() / name);
    std::vector<std::string> names;
    const auto all = Pins::all(folder.folder()).value();
    for (const auto &pins : all)
        names.push_back(fmt::format("{} of {}", pins.name(), pins.schema()));
    CHECK(names == std::vector<std::string>{"v2 of 2", "v3-1 of 3", fmt::format("v{0} of {0}", GLB_SCHEMA)});
    CHECK(Pins::all(folder.folder()).value()[0].map(Map::flows_hot).filename() == "glb_flows");
    CHECK(Pins::all(folder.folder()).value()[1].map(Map::flows_hot).filename() == "glb_flows_hot");
}

TEST_CASE("pins: a program is pinned once by its id, until it is not among the used ones", "[pins]") {
    operations().reset();
    const FakePins folder;
    const auto pins = folder.pins();
    const FakeProgram first(1), second(2);
    REQUIRE(pins.pin_program(first.fd()));
    REQUIRE(pins.pin_program(first.fd()));
    REQUIRE(pins.pin_program(second.fd()));
    CHECK(pins.programs().value().size() == 2);
    CHECK(FakeObject::find(pins.programs().value().at(second.id()).get()) == &second);
    REQUIRE(pins.unpin_programs_except({second.id()}));
    CHECK(pins.programs().value().size() == 1);
    CHECK(pins.programs().value().contains(second.id()));
    operations().fail(1, ENOSPC);
    const auto failed = pins.pin_program(first.fd());
    REQUIRE_FALSE(failed);
    CHECK(failed.error().message.starts_with("cannot pin the program as "));
    CHECK_FALSE(pins.pin_program(-1));
}

TEST_CASE("pins: metadata exists once it is written with the set's schema", "[pins]") {
    PinnedFixture it;
    REQUIRE(it.pins.metadata());
    CHECK_FALSE(*it.pins.metadata()); // zeros: never filled
    it.maps.set_row(Map::metadata, 0, metadata_of(GLB_SCHEMA));
    CHECK(it.pins.metadata()->value().shape.bucket_mask == 511);
    it.maps.set_row(Map::metadata, 0, metadata_of(GLB_SCHEMA + 1));
    CHECK_FALSE(*it.pins.metadata());
    it.unpin(Map::metadata);
    REQUIRE(it.pins.metadata());
    CHECK_FALSE(*it.pins.metadata());
}

TEST_CASE("pins: metadata of a newer version may be longer", "[pins]") {
    PinnedFixture it;
    FakeMap longer({"glb_metadata", BPF_MAP_TYPE_ARRAY, 4, sizeof(glb_metadata) + 64, 1});
    it.pin(Map::metadata, longer);
    const std::uint32_t row = 0;
    const auto metadata = metadata_of(GLB_SCHEMA);
    std::memcpy(longer.find_row(&row), &metadata, sizeof metadata);
    CHECK(it.pins.metadata()->value().shape.bucket_mask == 511);
}

TEST_CASE("pins: metadata that cannot be opened or read is an error that names the pin", "[pins]") {
    PinnedFixture it;
    const auto check_error = [&](const std::string &message) {
        const auto failed = it.pins.metadata();
        REQUIRE_FALSE(failed);
        CHECK(failed.error().message.starts_with(message + it.pins.map(Map::metadata).string()));
    };
    it.maps[Map::metadata].read_error = EIO;
    check_error("cannot read the pin ");
    std::ofstream(it.pins.map(Map::metadata)) << "no pin";
    check_error("cannot open the pin ");
}

TEST_CASE("pins: index names are read up to their NUL or the end of the row", "[pins]") {
    PinnedFixture it;
    glb_index_name name{};
    std::memset(name.text, 'x', sizeof name.text);
    it.maps.set_row(Map::index_names, 1, name);
    it.maps.set_row(Map::index_names, GLB_INDEX_NAMES - 1, glb_index_name{"g/a"});
    const auto names = it.pins.index_names();
    REQUIRE(names);
    REQUIRE(names->size() == GLB_INDEX_NAMES);
    CHECK(names->at(0).empty());
    CHECK(names->at(1) == std::string(GLB_INDEX_NAME_BYTES, 'x'));
    CHECK(names->back() == "g/a");
    it.unpin(Map::index_names);
    CHECK_FALSE(it.pins.index_names());
}

TEST_CASE("pins: a set is removed with its folder, and remove_all() removes links and other sets", "[pins]") {
    PinnedFixture it;
    REQUIRE(bpf_obj_pin(it.maps[Map::node].fd(), it.pins.link(7).c_str()) == 0);
    CHECK(it.pins.links().value() == std::vector{7u});
    std::filesystem::create_directories(it.folder.folder() / "v1" / "maps");
    REQUIRE(it.pins.remove());
    CHECK_FALSE(std::filesystem::exists(it.pins.maps()));
    CHECK(it.pins.links().value() == std::vector{7u});
    REQUIRE(it.pins.remove_all());
    CHECK_FALSE(std::filesystem::exists(it.folder.folder()));
}

TEST_CASE("pinned config: rows in use of the active bank are read, with fingerprints and states", "[pins]") {
    PinnedFixture it;
    for (const std::uint32_t bank : {0u, 1u}) {
        const auto mark = 10 * (bank + 1);
        it.maps.set_row(Map::groups, bank * GLB_MAX_GROUPS + 3, glb_group{5, GLB_NO_TABLE, 0, mark, 1, 0, 0});
        it.maps.set_row(Map::groups, bank * GLB_MAX_GROUPS + 4,
                        glb_group{GLB_NO_TABLE, GLB_NO_TABLE, 0, mark, 1, 0, 0});
        glb_target target{};
        target.destination = mark;
        it.maps.set_row(Map::targets, bank * GLB_MAX_TARGETS + 7, target);
    }
    it.maps.set_row(Map::maglev_fingerprints, 5, std::uint64_t{99});
    it.maps.set_row(Map::target_state, 7, std::uint64_t{GLB_TARGET_KEEP_ESTABLISHED});
    const auto bank = GENERATE(0u, 1u);
    it.maps.set_row(Map::control, 0, glb_control{bank, 0, 42});
    const auto config = datapath::read_pinned_config(it.pins);
    REQUIRE(config);
    CHECK(config->epoch == 42);
    CHECK(config->names.size() == GLB_INDEX_NAMES);
    REQUIRE(config->groups.size() == 2);
    CHECK(config->groups.at(3).row.tcp_ticks == 10 * (bank + 1));
    CHECK(config->groups.at(3).fingerprint == 99);
    CHECK(config->groups.at(4).fingerprint == 0);
    REQUIRE(config->targets.size() == 1);
    CHECK(config->targets.at(7).destination == 10 * (bank + 1));
    CHECK(config->target_states.at(7) == GLB_TARGET_KEEP_ESTABLISHED);
}

TEST_CASE("pinned config: shorter rows and missing maps of an older schema read as zeros", "[pins]") {
    PinnedFixture it;
    FakeMap shorter({"glb_groups", BPF_MAP_TYPE_ARRAY, 4, 16, GLB_BANKS * GLB_MAX_GROUPS});
    it.pin(Map::groups, shorter);
    const std::uint32_t row = 3;
    const glb_group group{GLB_NO_TABLE, GLB_NO_TABLE, 1, 77, 1, 1, 1};
    std::memcpy(shorter.find_row(&row), &group, 16);
    it.unpin(Map::target_state);
    const auto config = datapath::read_pinned_config(it.pins);
    REQUIRE(config);
    CHECK(config->groups.at(3).row.tcp_ticks == 77);
    CHECK(config->groups.at(3).row.other_ticks == 0);
}

TEST_CASE("pinned config: a map that cannot be read is an error that names it", "[pins]") {
    PinnedFixture it;
    it.maps[Map::groups].read_error = EIO;
    CHECK(datapath::read_pinned_config(it.pins).error().message.starts_with(
        "cannot read row 0 of glb_groups: "));
    std::ofstream(it.pins.map(Map::groups)) << "no pin";
    CHECK(datapath::read_pinned_config(it.pins).error().message.starts_with(
        "cannot open the pinned map glb_groups: "));
}

TEST_CASE("pins: a folder that cannot be read is an error, and one that does not exist is empty", "[pins]") {
    namespace fs = std::filesystem;
    const FakePins folder;
    const auto pins = folder.pins();
    fs::remove_all(folder.folder() / "links");
    CHECK(pins.links().value().empty());
    CHECK(Pins::all(folder.folder() / "none").value().empty());

    std::ofstream(folder.folder() / "links") << "";
    const auto links = pins.links();
    REQUIRE_FALSE(links);
    CHECK(links.error().code == ENOTDIR);
    CHECK(links.error().message.find((folder.folder() / "links").string()) != std::string::npos);
    CHECK_FALSE(datapath::Attachments::open(pins));
    CHECK_FALSE(datapath::find_pin_sets(folder.folder()));
    CHECK_FALSE(pins.remove_all());
    CHECK(fs::exists(pins.maps()));

    CHECK(Pins::all(folder.folder() / "links").error().code == ENOTDIR);
    CHECK(datapath::find_pin_sets(folder.folder() / "links").error().code == ENOTDIR);
    const auto programs = pins.maps().parent_path() / "programs";
    fs::remove_all(programs);
    std::ofstream(programs) << "";
    CHECK(pins.programs().error().code == ENOTDIR);
    CHECK(pins.unpin_programs_except({}).error().code == ENOTDIR);
}
