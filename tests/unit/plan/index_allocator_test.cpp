#include <catch2/catch.hpp>

#include <cerrno>

#include "abi/config.h"
#include "controller/plan/index_allocator.h"
#include "tests/harness/must.h"

using namespace glb;
using namespace glb::plan;
using glb::test::must;

namespace {

std::uint16_t claimed(IndexAllocator &allocator, IndexKind kind, const std::string &name) {
    const auto index = allocator.claim(kind, name);
    INFO((index ? std::string() : index.error().message));
    REQUIRE(index);
    return *index;
}

} // namespace

TEST_CASE("indexes: the lowest free one, and the same for the same name", "[plan]") {
    IndexAllocator allocator;
    CHECK(claimed(allocator, IndexKind::target, "g/a") == 0);
    CHECK(claimed(allocator, IndexKind::target, "g/b") == 1);
    CHECK(claimed(allocator, IndexKind::target, "g/a") == 0);
    CHECK(claimed(allocator, IndexKind::group, "g") == 0); // kinds are independent
    CHECK(allocator.find(IndexKind::target, "g/b") == 1);
    CHECK_FALSE(allocator.find(IndexKind::group, "g/b"));
    CHECK(allocator.name_of(IndexKind::target, 1) == "g/b");
    CHECK(allocator.name_of(IndexKind::target, 2).empty());
}

TEST_CASE("indexes: a retired index is reserved until it is released", "[plan]") {
    IndexAllocator allocator;
    for (const auto *name : {"g/a", "g/b", "g/c"})
        claimed(allocator, IndexKind::target, name);
    allocator.retire(IndexKind::target, "g/b");
    CHECK(allocator.retired(IndexKind::target) == std::vector<std::string>{"g/b"});
    CHECK(claimed(allocator, IndexKind::target, "g/d") == 3);
    allocator.release(IndexKind::target, "g/b");
    CHECK(allocator.retired(IndexKind::target).empty());
    CHECK_FALSE(allocator.find(IndexKind::target, "g/b"));
    CHECK(claimed(allocator, IndexKind::target, "g/e") == 1);
}

TEST_CASE("indexes: a reclaimed name has its previous index, which cannot be released", "[plan]") {
    IndexAllocator allocator;
    claimed(allocator, IndexKind::target, "g/a");
    claimed(allocator, IndexKind::target, "g/b");
    allocator.retire(IndexKind::target, "g/b");
    CHECK(claimed(allocator, IndexKind::target, "g/b") == 1);
    CHECK(allocator.retired(IndexKind::target).empty());
    allocator.release(IndexKind::target, "g/b");
    CHECK(allocator.find(IndexKind::target, "g/b") == 1);
}

TEST_CASE("indexes: unknown names are neither retired nor released", "[plan]") {
    IndexAllocator allocator;
    allocator.retire(IndexKind::endpoint, "web");
    CHECK(allocator.retired(IndexKind::endpoint).empty());
    allocator.release(IndexKind::endpoint, "web");
    CHECK(claimed(allocator, IndexKind::endpoint, "web") == 0);
}

TEST_CASE("indexes: EAGAIN names the kind when full, a release frees an index", "[plan]") {
    const auto [kind, size, word] = GENERATE(std::tuple(IndexKind::endpoint, GLB_MAX_ENDPOINTS, "endpoints"),
                                             std::tuple(IndexKind::group, GLB_MAX_GROUPS, "target groups"),
                                             std::tuple(IndexKind::target, GLB_MAX_TARGETS, "targets"));
    IndexAllocator allocator;
    for (int i = 0; i < size; ++i)
        REQUIRE(allocator.claim(kind, "n" + std::to_string(i)));
    const auto rejected = allocator.claim(kind, "late");
    REQUIRE_FALSE(rejected);
    CHECK(rejected.error().code == EAGAIN);
    CHECK_THAT(rejected.error().message, Catch::Contains("late") && Catch::Contains(word));
    CHECK_FALSE(allocator.find(kind, "late"));
    allocator.retire(kind, "n7");
    CHECK_FALSE(allocator.claim(kind, "late")); // flows may refer to it
    allocator.release(kind, "n7");
    CHECK(claimed(allocator, kind, "late") == 7);
}

TEST_CASE("indexes: restored from the rows of glb_index_names, all retired", "[plan]") {
    IndexAllocator allocator;
    claimed(allocator, IndexKind::endpoint, "web");
    claimed(allocator, IndexKind::group, "g");
    claimed(allocator, IndexKind::target, "g/a");
    claimed(allocator, IndexKind::target, "g/b");
    allocator.retire(IndexKind::target, "g/a");
    allocator.release(IndexKind::target, "g/a"); // leaves a gap
    const auto rows = allocator.rows();
    REQUIRE(rows.size() == GLB_INDEX_NAMES);
    CHECK(rows[GLB_INDEX_NAMES_ENDPOINTS] == "web");
    CHECK(rows[GLB_INDEX_NAMES_GROUPS] == "g");
    CHECK(rows[GLB_INDEX_NAMES_TARGETS].empty());
    CHECK(rows[GLB_INDEX_NAMES_TARGETS + 1] == "g/b");

    auto again = IndexAllocator::from_names(rows);
    CHECK(again.rows() == rows);
    CHECK(again.retired(IndexKind::endpoint) == std::vector<std::string>{"web"});
    CHECK(again.retired(IndexKind::target) == std::vector<std::string>{"g/b"});
    CHECK(claimed(again, IndexKind::target, "g/c") == 0);
    CHECK(claimed(again, IndexKind::target, "g/b") == 1);
    CHECK(again.retired(IndexKind::target).empty());
}

TEST_CASE("indexes: a name in two rows of glb_index_names has one index", "[plan]") {
    std::vector<std::string> rows(GLB_INDEX_NAMES);
    rows[GLB_INDEX_NAMES_TARGETS + 1] = rows[GLB_INDEX_NAMES_TARGETS + 3] = "g/a";
    auto allocator = IndexAllocator::from_names(rows);
    CHECK(allocator.find(IndexKind::target, "g/a") == 1);
    CHECK(allocator.name_of(IndexKind::target, 3).empty());
    allocator.release(IndexKind::target, "g/a");
    CHECK(allocator.rows() == std::vector<std::string>(GLB_INDEX_NAMES));
}

TEST_CASE("indexes: missing rows are empty", "[plan]") {
    CHECK(IndexAllocator::from_names({"web"}).find(IndexKind::endpoint, "web") == 0);
}

TEST_CASE("indexes: a target id with another address has another index, and gets the previous one back",
          "[plan]") {
    IndexAllocator allocator;
    const auto claim = [&](const char *id, const char *address) {
        return must(allocator.claim_target("g", id, address));
    };
    CHECK(claim("a", "192.0.2.1:6081") == 0);
    CHECK(claim("b", "192.0.2.2:6081") == 1);
    CHECK(claim("a", "192.0.2.1:6081") == 0);
    CHECK(claim("a", "192.0.2.9:6081") == 2);
    CHECK(allocator.name_of(IndexKind::target, 2) == "g/a");
    CHECK(allocator.name_of(IndexKind::target, 0) == "g/a@192.0.2.1:6081");
    CHECK(allocator.retired(IndexKind::target).empty()); // it drains
    CHECK(claim("a", "192.0.2.9:6082") == 3);
    CHECK(claim("a", "192.0.2.1:6081") == 0);
    CHECK(allocator.name_of(IndexKind::target, 0) == "g/a");
    CHECK(allocator.name_of(IndexKind::target, 2) == "g/a@192.0.2.9:6081");
    CHECK(allocator.name_of(IndexKind::target, 3) == "g/a@192.0.2.9:6082");
    allocator.retire(IndexKind::target, "g/a@192.0.2.9:6081");
    allocator.release(IndexKind::target, "g/a@192.0.2.9:6081");
    CHECK(claim("a", "192.0.2.9:6081") == 2); // the lowest free one
}

TEST_CASE("indexes: exchanged addresses keep no index", "[plan]") {
    IndexAllocator allocator;
    CHECK(must(allocator.claim_target("g", "a", "192.0.2.1:6081")) == 0);
    CHECK(must(allocator.claim_target("g", "b", "192.0.2.2:6081")) == 1);
    CHECK(must(allocator.claim_target("g", "a", "192.0.2.2:6081")) == 2);
    CHECK(must(allocator.claim_target("g", "b", "192.0.2.1:6081")) == 3);
}

TEST_CASE("indexes: addresses of an earlier daemon's targets decide who keeps an index", "[plan]") {
    std::vector<std::string> rows(GLB_INDEX_NAMES);
    rows[GLB_INDEX_NAMES_TARGETS] = "g/a";
    rows[GLB_INDEX_NAMES_TARGETS + 1] = "g/b";
    rows[GLB_INDEX_NAMES_TARGETS + 2] = "g/c";
    rows[GLB_INDEX_NAMES_TARGETS + 3] = "g/c@192.0.2.3:6081";
    auto allocator = IndexAllocator::from_names(
        rows, {{0, "192.0.2.1:6081"}, {2, "192.0.2.8:6081"}, {3, "192.0.2.3:6081"}});
    CHECK(must(allocator.claim_target("g", "a", "192.0.2.7:6081")) == 4);
    CHECK(allocator.name_of(IndexKind::target, 0) == "g/a@192.0.2.1:6081");
    CHECK(must(allocator.claim_target("g", "b", "192.0.2.2:6081")) == 1); // its address is not known
    CHECK(must(allocator.claim_target("g", "c", "192.0.2.3:6081")) == 3);
    CHECK(allocator.name_of(IndexKind::target, 2) == "g/c@192.0.2.8:6081");
    const std::vector<std::string> left{"g/a@192.0.2.1:6081", "g/c@192.0.2.8:6081"};
    CHECK(allocator.retired(IndexKind::target) == left);
}

TEST_CASE("indexes: names of displaced targets fit into a row, are unique and are read back", "[plan]") {
    const std::string group(63, 'g'), one = std::string(62, 'x') + "1", two = std::string(62, 'x') + "2";
    const std::string address = "[2001:db8:1111:2222:3333:4444:5555:6666]:65535";
    CHECK(displaced_name("g", "a", "192.0.2.1:6081") == "g/a@192.0.2.1:6081");
    const auto first = displaced_name(group, one, address), second = displaced_name(group, two, address);
    CHECK(first.size() == sizeof(glb_index_name) - 1);
    CHECK(first != second);
    CHECK(first.ends_with('@' + address));
    CHECK(parse_target_name(first).group == group);
    CHECK(parse_target_name(displaced_name("g", "a", address)).id == "a");
    CHECK(parse_target_name("g/a").id == "a");
    CHECK(parse_target_name("a").group.empty());
    CHECK(address_text(*IpAddress::parse("2001:db8::1"), 6081) == "[2001:db8::1]:6081");
    CHECK(address_text(*IpAddress::parse("192.0.2.1"), 6081) == "192.0.2.1:6081");
}
