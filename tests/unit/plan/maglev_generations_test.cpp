#include <catch2/catch.hpp>

#include "controller/plan/maglev_generations.h"

using namespace glb;
using namespace glb::plan;

namespace {

std::uint32_t must_begin(MaglevGenerations &generations, std::uint16_t group, std::uint64_t fingerprint,
                         std::uint32_t now, std::uint32_t window = 100) {
    const auto table = generations.begin(group, fingerprint, now, window);
    INFO((table ? std::string() : table.error().message));
    REQUIRE(table);
    return *table;
}

} // namespace

TEST_CASE("maglev generations: the first table has no previous one, the second has the first while the "
          "window is open",
          "[plan]") {
    MaglevGenerations generations;
    CHECK(generations.row(3).table == GLB_NO_TABLE);
    CHECK(must_begin(generations, 3, 11, 1000) == 0);
    CHECK(generations.row(3).previous == GLB_NO_TABLE);
    CHECK(must_begin(generations, 3, 12, 2000) == 1);
    const auto row = generations.row(3);
    CHECK(row.table == 1);
    CHECK(row.fingerprint == 12);
    CHECK(row.previous == 0);
    CHECK(row.previous_until == 2100);
    CHECK(generations.in_use(0));
    CHECK(generations.in_use(1));
    CHECK_FALSE(generations.in_use(2));
}

TEST_CASE("maglev generations: a change within an open window keeps the older table and the window's end",
          "[plan]") {
    MaglevGenerations generations;
    must_begin(generations, 0, 1, 0);
    must_begin(generations, 0, 2, 1000);
    CHECK(must_begin(generations, 0, 3, 1050) == 2);
    CHECK(generations.row(0).previous == 0);
    CHECK(generations.row(0).previous_until == 1100);
    CHECK(must_begin(generations, 0, 4, 1100) == 3); // the window is closed: 2 is the previous one
    CHECK(generations.row(0).previous == 2);
    CHECK(generations.row(0).previous_until == 1200);
}

TEST_CASE("maglev generations: a table that the active bank refers to is not reused before the next bank is "
          "written",
          "[plan]") {
    MaglevGenerations generations;
    must_begin(generations, 0, 1, 0);
    must_begin(generations, 1, 1, 0);
    const auto running = must_begin(generations, 0, 2, 1000);
    generations.release_dropped();
    // One change of both groups while the first one's window is open.
    const auto next = must_begin(generations, 0, 3, 1050);
    CHECK(generations.row(0).table == next);
    CHECK(must_begin(generations, 1, 2, 1050) != running);
    CHECK(generations.in_use(running));
    generations.release_dropped();
    CHECK_FALSE(generations.in_use(running));
    CHECK(must_begin(generations, 2, 1, 1060) == running);
}

TEST_CASE("maglev generations: a window is closed once, at its tick", "[plan]") {
    MaglevGenerations generations;
    must_begin(generations, 0, 1, 0);
    must_begin(generations, 0, 2, 1000);
    CHECK_FALSE(generations.close_windows(1099));
    CHECK(generations.row(0).previous == 0);
    CHECK(generations.close_windows(1100));
    CHECK(generations.row(0).previous == GLB_NO_TABLE);
    CHECK_FALSE(generations.in_use(0));
    CHECK_FALSE(generations.close_windows(1101));
}

TEST_CASE("maglev generations: a window may wrap around the tick counter", "[plan]") {
    MaglevGenerations generations;
    const std::uint32_t late = 0xffffffc0;
    must_begin(generations, 0, 1, late);
    must_begin(generations, 0, 2, late);
    CHECK(generations.row(0).previous_until == late + 100); // wrapped: 36
    CHECK(generations.row(0).previous_until < late);
    CHECK_FALSE(generations.close_windows(0xffffffff));
    CHECK_FALSE(generations.close_windows(35));
    CHECK(generations.close_windows(36));
}

TEST_CASE("maglev generations: rows of a previous daemon are adopted, without expired windows", "[plan]") {
    MaglevGenerations generations;
    glb_group row{};
    row.table = 5;
    row.previous_table = 2;
    row.previous_until = 1100;
    generations.adopt(0, row, 77, 1000);
    CHECK(generations.row(0).table == 5);
    CHECK(generations.row(0).fingerprint == 77);
    CHECK(generations.row(0).previous == 2);
    CHECK(generations.row(0).previous_until == 1100);
    generations.adopt(1, row, 77, 1100);
    CHECK(generations.row(1).previous == GLB_NO_TABLE);
    generations.adopt(2, row, 0, 1000); // without a fingerprint the content is unknown
    CHECK(generations.row(2).table == GLB_NO_TABLE);
    row.table = GLB_NO_TABLE;
    generations.adopt(3, row, 77, 1000);
    CHECK(generations.row(3).table == GLB_NO_TABLE);
    CHECK(must_begin(generations, 4, 1, 1000) == 0);
}

TEST_CASE("maglev generations: a removed group frees its tables", "[plan]") {
    MaglevGenerations generations;
    must_begin(generations, 0, 1, 0);
    must_begin(generations, 0, 2, 1000);
    generations.remove(0);
    CHECK_FALSE(generations.in_use(0));
    CHECK_FALSE(generations.in_use(1));
}

TEST_CASE("maglev generations: without a free table a change fails and leaves the group unchanged",
          "[plan]") {
    MaglevGenerations generations;
    for (std::uint16_t group = 0; group < GLB_MAX_TABLES; ++group)
        must_begin(generations, group, 1, 0);
    CHECK_FALSE(generations.begin(0, 2, 10, 100));
    CHECK(generations.row(0).table == 0);
    CHECK(generations.row(0).fingerprint == 1);
    CHECK(generations.row(0).previous == GLB_NO_TABLE);
    generations.remove(9);
    CHECK(must_begin(generations, 0, 2, 10) == 9);
}

TEST_CASE("maglev generations: limits allow a current, previous, next and dropped table per group",
          "[plan]") {
    CHECK(GLB_MAX_TABLES >= 4 * GLB_MAX_GROUPS);
}
