#include <catch2/catch.hpp>

#include <cerrno>

#include "abi/config.h"
#include "controller/plan/index_allocator.h"

using namespace glb;
using Kind = IndexAllocator::Kind;

namespace {

std::uint16_t claimed(IndexAllocator &book, Kind kind, const std::string &name) {
    const auto index = book.claim(kind, name);
    INFO((index ? std::string() : index.error().message));
    REQUIRE(index);
    return *index;
}

} // namespace

TEST_CASE("indexes: the lowest free one, and the same again for the same name", "[node]") {
    IndexAllocator book;
    CHECK(claimed(book, Kind::target, "g/a") == 0);
    CHECK(claimed(book, Kind::target, "g/b") == 1);
    CHECK(claimed(book, Kind::target, "g/a") == 0);
    CHECK(claimed(book, Kind::group, "g") == 0); // kinds do not share
    CHECK(book.find(Kind::target, "g/b") == 1);
    CHECK_FALSE(book.find(Kind::group, "g/b"));
    CHECK(book.name_of(Kind::target, 1) == "g/b");
    CHECK(book.name_of(Kind::target, 2).empty());
}

TEST_CASE("indexes: retired is not free, released is", "[node]") {
    IndexAllocator book;
    for (const auto *name : {"g/a", "g/b", "g/c"})
        claimed(book, Kind::target, name);
    book.retire(Kind::target, "g/b");
    CHECK(book.retired(Kind::target) == std::vector<std::string>{"g/b"});
    CHECK(claimed(book, Kind::target, "g/d") == 3);
    book.release(Kind::target, "g/b");
    CHECK(book.retired(Kind::target).empty());
    CHECK_FALSE(book.find(Kind::target, "g/b"));
    CHECK(claimed(book, Kind::target, "g/e") == 1);
}

TEST_CASE("indexes: who comes back has its own again, and can no longer be released", "[node]") {
    IndexAllocator book;
    claimed(book, Kind::target, "g/a");
    claimed(book, Kind::target, "g/b");
    book.retire(Kind::target, "g/b");
    CHECK(claimed(book, Kind::target, "g/b") == 1);
    CHECK(book.retired(Kind::target).empty());
    book.release(Kind::target, "g/b");
    CHECK(book.find(Kind::target, "g/b") == 1);
}

TEST_CASE("indexes: names that nobody has are neither retired nor released", "[node]") {
    IndexAllocator book;
    book.retire(Kind::endpoint, "web");
    CHECK(book.retired(Kind::endpoint).empty());
    book.release(Kind::endpoint, "web");
    CHECK(claimed(book, Kind::endpoint, "web") == 0);
}

TEST_CASE("indexes: full is EAGAIN and names the kind, and one release makes room", "[node]") {
    const auto [kind, size, word] = GENERATE(std::tuple(Kind::endpoint, GLB_MAX_ENDPOINTS, "endpoints"),
                                             std::tuple(Kind::group, GLB_MAX_GROUPS, "target groups"),
                                             std::tuple(Kind::target, GLB_MAX_TARGETS, "targets"));
    IndexAllocator book;
    for (int i = 0; i < size; ++i)
        REQUIRE(book.claim(kind, "n" + std::to_string(i)));
    const auto refused = book.claim(kind, "late");
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == EAGAIN);
    CHECK_THAT(refused.error().message, Catch::Contains("late") && Catch::Contains(word));
    CHECK_FALSE(book.find(kind, "late"));
    book.retire(kind, "n7");
    CHECK_FALSE(book.claim(kind, "late")); // flows may still name it
    book.release(kind, "n7");
    CHECK(claimed(book, kind, "late") == 7);
}

TEST_CASE("indexes: the rows of glb_index_names lead back to the same book, all retired", "[node]") {
    IndexAllocator book;
    claimed(book, Kind::endpoint, "web");
    claimed(book, Kind::group, "g");
    claimed(book, Kind::target, "g/a");
    claimed(book, Kind::target, "g/b");
    book.retire(Kind::target, "g/a");
    book.release(Kind::target, "g/a"); // leaves a gap
    const auto rows = book.rows();
    REQUIRE(rows.size() == GLB_INDEX_NAMES);
    CHECK(rows[GLB_INDEX_NAMES_ENDPOINTS] == "web");
    CHECK(rows[GLB_INDEX_NAMES_GROUPS] == "g");
    CHECK(rows[GLB_INDEX_NAMES_TARGETS].empty());
    CHECK(rows[GLB_INDEX_NAMES_TARGETS + 1] == "g/b");

    auto again = IndexAllocator::from_names(rows);
    CHECK(again.rows() == rows);
    CHECK(again.retired(Kind::endpoint) == std::vector<std::string>{"web"});
    CHECK(again.retired(Kind::target) == std::vector<std::string>{"g/b"});
    CHECK(claimed(again, Kind::target, "g/c") == 0);
    CHECK(claimed(again, Kind::target, "g/b") == 1);
    CHECK(again.retired(Kind::target).empty());
}

TEST_CASE("indexes: a name that stands twice in glb_index_names holds one index alone", "[node]") {
    std::vector<std::string> rows(GLB_INDEX_NAMES);
    rows[GLB_INDEX_NAMES_TARGETS + 1] = rows[GLB_INDEX_NAMES_TARGETS + 3] = "g/a";
    auto book = IndexAllocator::from_names(rows);
    CHECK(book.find(Kind::target, "g/a") == 1);
    CHECK(book.name_of(Kind::target, 3).empty());
    book.release(Kind::target, "g/a");
    CHECK(book.rows() == std::vector<std::string>(GLB_INDEX_NAMES));
}

TEST_CASE("indexes: fewer rows than the map has are taken as empty", "[node]") {
    CHECK(IndexAllocator::from_names({"web"}).find(Kind::endpoint, "web") == 0);
}
