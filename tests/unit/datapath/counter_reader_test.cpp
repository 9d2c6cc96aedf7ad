// CounterReader: sums over the CPUs.
#include <catch2/catch.hpp>

#include "controller/datapath/counter_reader.h"
#include "tests/unit/datapath/fake_maps.h"

using namespace glb;
using namespace glb::test;
using datapath::CounterReader;
using datapath::Map;

TEST_CASE("counter reader: drops and counters are summed over all CPUs", "[counter-reader]") {
    FakeMaps maps;
    const CounterReader reader(maps.handles());
    for (unsigned cpu = 0; cpu < fake_cpus; ++cpu) {
        maps.set_row(Map::drops, GLB_DROP_NO_TARGET, glb_count{1 + cpu, 100}, cpu);
        maps.set_row(Map::counters, GLB_COUNT_MAX - 1, glb_count{10, 1ull << (40 + cpu)}, cpu);
    }
    const auto drops = reader.drops();
    REQUIRE(drops);
    REQUIRE(drops->size() == GLB_DROP_MAX);
    CHECK(drops->at(GLB_DROP_NO_TARGET).packets == 6);
    CHECK(drops->at(GLB_DROP_NO_TARGET).bytes == 300);
    CHECK(drops->at(GLB_DROP_NO_TARGET + 1).packets == 0);
    const auto counters = reader.counters();
    REQUIRE(counters);
    REQUIRE(counters->size() == GLB_COUNT_MAX);
    CHECK(counters->back().packets == 30);
    CHECK(counters->back().bytes == 7ull << 40);
}

TEST_CASE("counter reader: an endpoint's packets in and forwarded are summed over all CPUs",
          "[counter-reader]") {
    FakeMaps maps;
    const CounterReader reader(maps.handles());
    for (unsigned cpu = 0; cpu < fake_cpus; ++cpu)
        maps.set_row(Map::endpoint_counts, 9, glb_endpoint_count{{1, 2}, {3, cpu}}, cpu);
    const auto sum = reader.endpoint_count(9);
    REQUIRE(sum);
    CHECK(sum->in.packets == 3);
    CHECK(sum->in.bytes == 6);
    CHECK(sum->forwarded.packets == 9);
    CHECK(sum->forwarded.bytes == 3);
    CHECK(reader.endpoint_count(8)->in.packets == 0);
    CHECK_FALSE(reader.endpoint_count(GLB_MAX_ENDPOINTS));
}

TEST_CASE("counter reader: every counter of a target is summed over the rows of all CPUs",
          "[counter-reader]") {
    FakeMaps maps;
    const CounterReader reader(maps.handles());
    for (unsigned cpu = 0; cpu < fake_cpus; ++cpu)
        maps.set_row(Map::target_counts, cpu * GLB_MAX_TARGETS + GLB_MAX_TARGETS - 1,
                     glb_target_count{{1, 2}, {3, 4}, 5, 6, 7, 8, 9, 0});
    const auto sum = reader.target_count(GLB_MAX_TARGETS - 1);
    REQUIRE(sum);
    CHECK(sum->outbound.packets == 3);
    CHECK(sum->outbound.bytes == 6);
    CHECK(sum->returned.packets == 9);
    CHECK(sum->returned.bytes == 12);
    CHECK(sum->new_flows == 15);
    CHECK(sum->unanswered == 18);
    CHECK(sum->answered == 21);
    CHECK(sum->attempted == 24);
    CHECK(sum->confirmed == 27);
    CHECK(reader.target_count(0)->outbound.packets == 0);
    CHECK_FALSE(reader.target_count(GLB_MAX_TARGETS));
}

TEST_CASE("counter reader: the control row is read as it is", "[counter-reader]") {
    FakeMaps maps;
    const CounterReader reader(maps.handles());
    maps.set_row(Map::control, 0, glb_control{1, 2, 3});
    const auto control = reader.control();
    REQUIRE(control);
    CHECK(control->bank == 1);
    CHECK(control->route_generation == 2);
    CHECK(control->epoch == 3);
}

TEST_CASE("counter reader: an error names the map and the row", "[counter-reader]") {
    FakeMaps maps;
    const CounterReader reader(maps.handles());
    for (const auto map : {Map::drops, Map::counters, Map::endpoint_counts, Map::control})
        maps[map].read_error = EIO;
    const auto check_error = [](const auto &result, const std::string &message) {
        REQUIRE_FALSE(result);
        CHECK(result.error().code == EIO);
        CHECK(result.error().message.starts_with(message));
    };
    check_error(reader.drops(), "cannot read row 0 of glb_drops: ");
    check_error(reader.counters(), "cannot read row 0 of glb_counters: ");
    check_error(reader.endpoint_count(4), "cannot read row 4 of glb_endpoint_counts: ");
    check_error(reader.control(), "cannot read row 0 of glb_control: ");
    CHECK(reader.target_count(0)); // mapped: no system call
}
