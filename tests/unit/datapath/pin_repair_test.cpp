// Pins that were removed while the daemon runs.
#include <catch2/catch.hpp>

#include <filesystem>

#include "controller/datapath/attachments.h"
#include "controller/datapath/config_writer.h"
#include "controller/datapath/pin_repair.h"
#include "tests/unit/datapath/fake_links.h"
#include "tests/unit/datapath/fake_maps.h"
#include "tests/unit/datapath/fake_pins.h"

using namespace glb;
using namespace glb::test;
using datapath::Map;

namespace fs = std::filesystem;

namespace {

using Names = std::vector<std::string>;

/// The object that is pinned as `pin`.
const FakeObject *pinned(const fs::path &pin) {
    const Fd fd(bpf_obj_get(pin.c_str()));
    return fd ? FakeObject::find(fd.get()) : nullptr;
}

} // namespace

TEST_CASE("pin repair: maps that lost their pins get them again, also if the whole folder is gone",
          "[pins]") {
    FakeMaps maps;
    const FakePins folder;
    const auto pins = folder.pins();
    const auto handles = maps.handles(pins);
    REQUIRE(datapath::restore_map_pins(*handles));
    CHECK(datapath::restore_map_pins(*handles).value().empty());

    fs::remove(pins.map(Map::control));
    CHECK(datapath::restore_map_pins(*handles).value() == Names{pins.map(Map::control).string()});
    CHECK(pinned(pins.map(Map::control)) == &maps[Map::control]);

    fs::remove_all(pins.maps().parent_path());
    CHECK(datapath::restore_map_pins(*handles).value().size() ==
          datapath::all_maps.size() - datapath::maps_not_pinned.size());
    CHECK(pinned(pins.map(Map::flows_hot)) == &maps[Map::flows_hot]);
    CHECK_FALSE(fs::exists(pins.map(Map::flows_prev)));
}

TEST_CASE("pin repair: a bpffs that refuses is an error that names the pin", "[pins]") {
    FakeMaps maps;
    const FakePins folder;
    const auto handles = maps.handles(folder.pins());
    REQUIRE(datapath::restore_map_pins(*handles));
    fs::remove(folder.pins().map(Map::node));
    operations().reset();
    operations().fail(1, EROFS);
    const auto failed = datapath::restore_map_pins(*handles);
    REQUIRE_FALSE(failed);
    CHECK(failed.error().code == EROFS);
    CHECK(failed.error().message.find("glb_node") != std::string::npos);
}

TEST_CASE("pin repair: Maglev tables get their pins again, those of an earlier daemon too", "[pins]") {
    FakeMaps maps;
    const FakePins folder;
    const auto pins = folder.pins();
    const std::vector<std::uint16_t> slots(GLB_MAGLEV_SLOTS, 7);
    REQUIRE(datapath::ConfigWriter(maps.handles(pins)).put_maglev(3, slots));
    const auto *table = pinned(pins.table(3));
    REQUIRE(table != nullptr);

    datapath::ConfigWriter next(maps.handles(pins)); // takes the table over at its first check
    CHECK(next.restore_table_pins().value().empty());
    fs::remove(pins.table(3));
    CHECK(next.restore_table_pins().value() == Names{pins.table(3).string()});
    CHECK(pinned(pins.table(3)) == table);
    CHECK(next.restore_table_pins().value().empty());
}

TEST_CASE("pin repair: links that are alive get their pins again, dead ones do not", "[pins]") {
    constexpr unsigned lan = 3'000'001, wan = 3'000'002;
    FakeInterfaces interfaces;
    (void)interfaces[lan], (void)interfaces[wan];
    const FakePins folder;
    const FakeProgram program{1};
    auto attachments = datapath::Attachments::open(folder.pins()).value();
    for (const auto ifindex : {lan, wan})
        REQUIRE(attachments.attach(ifindex, "eth9", datapath::AttachMode::native, program.fd()));
    CHECK(attachments.restore_pins(program.fd()).value().empty());
    for (const auto ifindex : {lan, wan})
        fs::remove(folder.pins().link(ifindex));
    interfaces.remove(wan);
    CHECK(attachments.restore_pins(program.fd()).value() == Names{folder.pins().link(lan).string()});
    auto next = datapath::Attachments::open(folder.pins()).value();
    CHECK(next.interfaces() == std::vector{lan});
}
