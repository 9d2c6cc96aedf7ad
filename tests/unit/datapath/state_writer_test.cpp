// StateWriter: the rows of each call, and what a failed write leaves.
#include <catch2/catch.hpp>

#include <numeric>

#include "controller/datapath/state_writer.h"
#include "tests/unit/datapath/fake_maps.h"

using namespace glb;
using namespace glb::test;
using datapath::Map;
using datapath::StateWriter;

namespace {

using Names = std::vector<std::string>;

std::vector<std::uint16_t> fallback_from(std::uint16_t first) {
    std::vector<std::uint16_t> targets(GLB_FALLBACK_SLOTS);
    std::iota(targets.begin(), targets.end(), first);
    return targets;
}

} // namespace

TEST_CASE("state writer: a target's state and a group's action are one row each", "[state-writer]") {
    FakeMaps maps;
    StateWriter writer(maps.handles());
    REQUIRE(writer.set_target_state(7, GLB_TARGET_ACCEPT_NEW | GLB_TARGET_KEEP_ESTABLISHED));
    REQUIRE(writer.set_group_action(3, GLB_NO_TARGET_BYPASS));
    CHECK(operations().take() == Names{"glb_target_state[7]", "glb_group_action[3]"});
    CHECK(maps.row<std::uint64_t>(Map::target_state, 7) ==
          (GLB_TARGET_ACCEPT_NEW | GLB_TARGET_KEEP_ESTABLISHED));
    CHECK(maps.row<std::uint64_t>(Map::group_action, 3) == GLB_NO_TARGET_BYPASS);
}

TEST_CASE("state writer: a fallback list fills its group's slots in one call", "[state-writer]") {
    FakeMaps maps;
    StateWriter writer(maps.handles());
    REQUIRE(writer.set_fallback(2, fallback_from(100)));
    CHECK(operations().take() == Names{"glb_fallback[512-767]"});
    const auto rows = maps.rows<std::uint64_t>(Map::fallback, 2 * GLB_FALLBACK_SLOTS, GLB_FALLBACK_SLOTS);
    CHECK(rows.front() == 100);
    CHECK(rows.back() == 100 + GLB_FALLBACK_SLOTS - 1);
    CHECK(maps.row<std::uint64_t>(Map::fallback, 2 * GLB_FALLBACK_SLOTS - 1) == 0);
    CHECK(maps.row<std::uint64_t>(Map::fallback, 3 * GLB_FALLBACK_SLOTS) == 0);
}

TEST_CASE("state writer: a list of another size or group is refused and nothing is written",
          "[state-writer]") {
    FakeMaps maps;
    StateWriter writer(maps.handles());
    CHECK_FALSE(writer.set_fallback(GLB_MAX_GROUPS, fallback_from(0)));
    auto shorter = fallback_from(0);
    shorter.pop_back();
    CHECK_FALSE(writer.set_fallback(0, shorter));
    CHECK(operations().take().empty());
    CHECK_FALSE(writer.set_target_state(GLB_MAX_TARGETS, 1));
    CHECK_FALSE(writer.set_group_action(GLB_MAX_GROUPS, GLB_NO_TARGET_DROP));
}

TEST_CASE("state writer: a failed write is reported with its map and can be repeated", "[state-writer]") {
    FakeMaps maps;
    StateWriter writer(maps.handles());
    const auto check_error = [&](const auto &write, const std::string &message) {
        operations().fail(1, EPERM);
        const auto done = write();
        REQUIRE_FALSE(done);
        CHECK(done.error().code == EPERM);
        CHECK(done.error().message.starts_with(message));
        CHECK(write());
    };
    check_error([&] { return writer.set_target_state(7, 1); }, "cannot write row 7 of glb_target_state: ");
    check_error([&] { return writer.set_group_action(3, GLB_NO_TARGET_PENDING); },
                "cannot write row 3 of glb_group_action: ");
    check_error([&] { return writer.set_fallback(0, fallback_from(1)); },
                "cannot write glb_fallback: 128 of 256 rows written: ");
    CHECK(maps.row<std::uint64_t>(Map::target_state, 7) == 1);
    CHECK(maps.row<std::uint64_t>(Map::group_action, 3) == GLB_NO_TARGET_PENDING);
    CHECK(maps.row<std::uint64_t>(Map::fallback, GLB_FALLBACK_SLOTS - 1) == GLB_FALLBACK_SLOTS);
}

TEST_CASE("state writer: after rebind() it writes through the other handles alone", "[state-writer]") {
    FakeMaps maps;
    auto first = maps.handles();
    StateWriter writer(first);
    writer.rebind(maps.handles());
    CHECK(first.use_count() == 1);
    first.reset(); // closes its descriptors
    REQUIRE(writer.set_target_state(1, 5));
    CHECK(maps.row<std::uint64_t>(Map::target_state, 1) == 5);
}
