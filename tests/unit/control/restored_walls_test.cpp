#include <catch2/catch.hpp>

#include "controller/control/restored_walls.h"

using namespace glb;
using namespace glb::control;
using namespace std::chrono_literals;

TEST_CASE("restored walls: a loss is a warning for five minutes after it was restored") {
    RestoredWalls walls;
    const MonotonicTime start{1h};
    CHECK(walls.conditions(start).empty());
    walls.add({"table", "tc filter on eth0"}, 40ms, start);
    walls.add({"table"}, 900ms, start + 10s);
    walls.add({"table"}, 30ms, start + 20s);
    const auto held = walls.conditions(start + 20s);
    REQUIRE(held.size() == 2);
    CHECK(held[0].severity == Severity::warning);
    CHECK(held[0].what == "guard-restored");
    CHECK(held[0].where == "table");
    CHECK(held[0].message == "was missing 3 times for at most 900 ms, and is restored");
    CHECK(held[1].message == "was missing once for at most 40 ms, and is restored");
    CHECK(walls.conditions(start + 5min).size() == 1);
    CHECK(walls.conditions(start + 5min + 20s).empty());
    walls.add({"table"}, 1ms, start + 10min);
    CHECK(walls.conditions(start + 10min)[0].message == "was missing once for at most 1 ms, and is restored");
}
