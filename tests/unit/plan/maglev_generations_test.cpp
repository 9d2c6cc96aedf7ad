#include <catch2/catch.hpp>

#include "controller/plan/maglev_generations.h"

using namespace glb;

namespace {

std::uint32_t begun(MaglevGenerations &book, std::uint16_t group, std::uint64_t print, std::uint32_t now,
                    std::uint32_t window = 100) {
    const auto table = book.begin(group, print, now, window);
    INFO((table ? std::string() : table.error().message));
    REQUIRE(table);
    return *table;
}

} // namespace

TEST_CASE("epochs: the first table has no previous one, the second keeps the first while its window is open",
          "[node]") {
    MaglevGenerations book;
    CHECK(book.row(3).table == GLB_NO_TABLE);
    CHECK(begun(book, 3, 11, 1000) == 0);
    CHECK(book.row(3).previous == GLB_NO_TABLE);
    CHECK(begun(book, 3, 12, 2000) == 1);
    const auto row = book.row(3);
    CHECK(row.table == 1);
    CHECK(row.print == 12);
    CHECK(row.previous == 0);
    CHECK(row.previous_until == 2100);
    CHECK(book.in_use(0));
    CHECK(book.in_use(1));
    CHECK_FALSE(book.in_use(2));
}

TEST_CASE("epochs: a change within an open window keeps the older table and its end", "[node]") {
    MaglevGenerations book;
    begun(book, 0, 1, 0);
    begun(book, 0, 2, 1000);
    CHECK(begun(book, 0, 3, 1050) == 2);
    CHECK(book.row(0).previous == 0);
    CHECK(book.row(0).previous_until == 1100);
    CHECK(begun(book, 0, 4, 1100) == 3); // the window has just closed: 2 is the previous one now
    CHECK(book.row(0).previous == 2);
    CHECK(book.row(0).previous_until == 1200);
}

TEST_CASE("epochs: a table that the bank in force still names is given to nobody before the next is written",
          "[node]") {
    MaglevGenerations book;
    begun(book, 0, 1, 0);
    begun(book, 1, 1, 0);
    const auto running = begun(book, 0, 2, 1000);
    book.settle();
    // One change of both groups, with the first one's window open.
    const auto next = begun(book, 0, 3, 1050);
    CHECK(book.row(0).table == next);
    CHECK(begun(book, 1, 2, 1050) != running);
    CHECK(book.in_use(running));
    book.settle();
    CHECK_FALSE(book.in_use(running));
    CHECK(begun(book, 2, 1, 1060) == running);
}

TEST_CASE("epochs: windows are closed when their tick has come, once", "[node]") {
    MaglevGenerations book;
    begun(book, 0, 1, 0);
    begun(book, 0, 2, 1000);
    CHECK_FALSE(book.close_windows(1099));
    CHECK(book.row(0).previous == 0);
    CHECK(book.close_windows(1100));
    CHECK(book.row(0).previous == GLB_NO_TABLE);
    CHECK_FALSE(book.in_use(0));
    CHECK_FALSE(book.close_windows(1101));
}

TEST_CASE("epochs: a window reaches over the end of the ticks", "[node]") {
    MaglevGenerations book;
    const std::uint32_t late = 0xffffffc0;
    begun(book, 0, 1, late);
    begun(book, 0, 2, late);
    CHECK(book.row(0).previous_until == late + 100); // wrapped: 36
    CHECK(book.row(0).previous_until < late);
    CHECK_FALSE(book.close_windows(0xffffffff));
    CHECK_FALSE(book.close_windows(35));
    CHECK(book.close_windows(36));
}

TEST_CASE("epochs: what an earlier daemon left is adopted, without a window that is over", "[node]") {
    MaglevGenerations book;
    glb_group row{};
    row.table = 5;
    row.previous_table = 2;
    row.previous_until = 1100;
    book.adopt(0, row, 77, 1000);
    CHECK(book.row(0).table == 5);
    CHECK(book.row(0).print == 77);
    CHECK(book.row(0).previous == 2);
    CHECK(book.row(0).previous_until == 1100);
    book.adopt(1, row, 77, 1100);
    CHECK(book.row(1).previous == GLB_NO_TABLE);
    book.adopt(2, row, 0, 1000); // without a fingerprint its content is unknown
    CHECK(book.row(2).table == GLB_NO_TABLE);
    row.table = GLB_NO_TABLE;
    book.adopt(3, row, 77, 1000);
    CHECK(book.row(3).table == GLB_NO_TABLE);
    CHECK(begun(book, 4, 1, 1000) == 0);
}

TEST_CASE("epochs: a group that is removed gives its tables back", "[node]") {
    MaglevGenerations book;
    begun(book, 0, 1, 0);
    begun(book, 0, 2, 1000);
    book.remove(0);
    CHECK_FALSE(book.in_use(0));
    CHECK_FALSE(book.in_use(1));
}

TEST_CASE("epochs: with all places taken a change fails and leaves the group as it was", "[node]") {
    MaglevGenerations book;
    for (std::uint16_t group = 0; group < GLB_MAX_TABLES; ++group)
        begun(book, group, 1, 0);
    CHECK_FALSE(book.begin(0, 2, 10, 100));
    CHECK(book.row(0).table == 0);
    CHECK(book.row(0).print == 1);
    CHECK(book.row(0).previous == GLB_NO_TABLE);
    book.remove(9);
    CHECK(begun(book, 0, 2, 10) == 9);
}

TEST_CASE("epochs: the limits leave room for each group's current, previous, next and dropped table",
          "[node]") {
    CHECK(GLB_MAX_TABLES >= 4 * GLB_MAX_GROUPS);
}
