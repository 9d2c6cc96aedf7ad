// One writer per map, and an entry of datapath::Map for each map of the XDP program.
#include <catch2/catch.hpp>

#include <map>
#include <memory>
#include <set>
#include <string>

#include "controller/datapath/config_writer.h"
#include "controller/datapath/egress_writer.h"
#include "controller/datapath/maps.h"
#include "controller/datapath/migration/table_migration.h"
#include "controller/datapath/state_writer.h"

#include <bpf/libbpf.h>
#include <glb_xdp.skel.h>

using namespace glb::datapath;

namespace {

struct SkeletonDelete {
    void operator()(glb_xdp *skeleton) const { glb_xdp::destroy(skeleton); }
};

} // namespace

TEST_CASE("ownership: every map has exactly one writer", "[ownership]") {
    std::map<Map, std::string> writers;
    const auto claim = [&](const char *writer, const auto &maps) {
        for (const auto map : maps) {
            INFO(to_string(map) << " of " << writer << " and " << writers[map]);
            CHECK(writers[map].empty());
            writers[map] = writer;
        }
    };
    claim("ConfigWriter", ConfigWriter::maps);
    claim("StateWriter", StateWriter::maps);
    claim("EgressWriter", EgressWriter::maps);
    claim("TableMigration", TableMigration::maps);
    claim("the data path", maps_written_by_bpf_only);
    for (const auto map : all_maps) {
        INFO(to_string(map) << " has no writer");
        CHECK_FALSE(writers[map].empty());
    }
}

TEST_CASE("ownership: the enumeration contains every map of the program", "[ownership]") {
    const std::unique_ptr<glb_xdp, SkeletonDelete> skeleton(glb_xdp::open());
    REQUIRE(skeleton);
    std::set<std::string> of_the_program, enumerated;
    bpf_map *map = nullptr;
    bpf_object__for_each_map(map, skeleton->obj) {
        if (!bpf_map__is_internal(map))
            of_the_program.insert(bpf_map__name(map));
    }
    for (const auto each : all_maps)
        enumerated.insert(to_string(each));
    CHECK(enumerated == of_the_program);
}
