// The flow table gets the capacity of the manifest under traffic: completely or not at all.
#include <catch2/catch.hpp>

#include <algorithm>

#include "tests/unit/control/node_fixture.h"

namespace glb::test {

namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t small = 1u << 16, large = 1u << 17;

std::string text_with(std::uint32_t capacity) {
    return manifest_text({"eth1"}, {10, 11}, capacity);
}

/// The steps of migrations since the operations were counted anew.
std::vector<std::string> migration_steps(const FakeWorld &world) {
    std::vector<std::string> steps;
    std::ranges::copy_if(world.operation.names, std::back_inserter(steps),
                         [](const std::string &name) { return name.starts_with("migration."); });
    return steps;
}

const std::vector<std::string> complete{"migration.prepare", "migration.copy", "migration.swap",
                                        "migration.catch_up", "migration.finish"};

/// A daemon with a small table.
struct NodeToResize {
    FakeWorld world;
    Daemon daemon{world};

    NodeToResize() {
        REQUIRE(daemon.start(text_with(small)));
        world.operation.restart();
    }
};

} // namespace

TEST_CASE("resize: prepare, copy, swap, catch up, finish; the apply does not wait for it") {
    const auto [before, after] = GENERATE(std::pair(small, large), std::pair(large, small));
    FakeWorld world;
    Daemon daemon(world);
    REQUIRE(daemon.start(text_with(before)));
    world.operation.restart();
    std::uint32_t during = 0;
    world.operation.hook = [&](const std::string &name) {
        if (name == "migration.copy")
            during = daemon.roles.resizer.target().value_or(0);
    };
    const auto result = daemon.apply(text_with(after));
    REQUIRE(result);
    REQUIRE(result->warnings.size() == 1);
    CHECK(result->warnings[0].starts_with(fmt::format(
        "/node/flowTable/capacity: the flow table is being resized from {} to {} entries", before, after)));
    CHECK(migration_steps(world) == complete);
    CHECK(during == after);
    CHECK(daemon.datapath.capacity() == after);
    CHECK_FALSE(daemon.roles.resizer.target());
    CHECK(daemon.resizes == 1);
    CHECK(daemon.not_ready().empty());
    world.check_invariants();
}

TEST_CASE("resize: afterwards all target states are written again, into the new maps") {
    NodeToResize node;
    REQUIRE(node.daemon.apply(text_with(large)));
    node.world.operation.restart();
    node.daemon.refresh(true);
    CHECK(std::ranges::count(node.world.operation.names, "health.set_target_state") == 2);
    node.world.operation.restart();
    node.daemon.refresh(true);
    CHECK(std::ranges::count(node.world.operation.names, "health.set_target_state") == 0);
}

TEST_CASE("resize: none where the capacity is the manifest's after rounding") {
    NodeToResize node;
    REQUIRE(node.daemon.apply(text_with(small - 1)));
    node.daemon.check_capacity();
    CHECK(migration_steps(node.world).empty());
}

TEST_CASE("resize: before the swap a failure is undone, and tried again after a pause") {
    const std::string step = GENERATE("migration.prepare", "migration.copy", "migration.swap");
    NodeToResize node;
    auto &[world, daemon] = node;
    const auto before = visible(world);
    world.operation.fail_named = step;
    REQUIRE(daemon.apply(text_with(large)));
    INFO(step);
    const auto steps = migration_steps(world);
    CHECK(steps.back() == "migration.undo");
    CHECK(steps[steps.size() - 2] == step);
    CHECK(daemon.resizes == 0);
    CHECK_FALSE(daemon.roles.resizer.target());
    CHECK(visible(world).capacity == small);
    CHECK(visible(world).attached == before.attached);
    CHECK(daemon.not_ready().empty());

    world.operation.restart();
    world.now += 29s;
    daemon.check_capacity();
    CHECK(migration_steps(world).empty());
    world.now += 1s;
    daemon.check_capacity();
    CHECK(migration_steps(world) == complete);
    CHECK(daemon.datapath.capacity() == large);
}

TEST_CASE("resize: an apply does not wait for the pause after a failure") {
    NodeToResize node;
    node.world.operation.fail_named = "migration.copy";
    REQUIRE(node.daemon.apply(text_with(large)));
    node.world.operation.restart();
    REQUIRE(node.daemon.apply(text_with(large)));
    CHECK(migration_steps(node.world) == complete);
}

TEST_CASE("resize: a failure ends it even where it cannot be undone") {
    NodeToResize node;
    node.world.operation.hook = [&](const std::string &name) {
        node.world.operation.fail_named =
            name == "migration.swap" || name == "migration.undo" ? std::optional(name) : std::nullopt;
    };
    REQUIRE(node.daemon.apply(text_with(large)));
    CHECK(migration_steps(node.world).back() == "migration.undo");
    CHECK_FALSE(node.daemon.roles.resizer.target());
    node.world.operation.hook = {};
    node.world.operation.restart();
    node.world.now += 30s;
    node.daemon.check_capacity();
    CHECK(node.daemon.datapath.capacity() == large);
}

TEST_CASE("resize: after the swap it is only ever finished") { // waits a second of real time
    NodeToResize node;
    node.world.operation.hook = [&, finishes = 0](const std::string &name) mutable {
        if (name == "migration.finish")
            node.world.operation.fail_named = ++finishes == 1 ? std::optional(name) : std::nullopt;
    };
    REQUIRE(node.daemon.apply(text_with(large)));
    auto expected = complete;
    expected.insert(expected.end(), {"migration.catch_up", "migration.finish"});
    CHECK(migration_steps(node.world) == expected);
    CHECK(node.daemon.datapath.capacity() == large);
    CHECK(node.daemon.resizes == 1);
}

TEST_CASE("resize: a capacity that is applied meanwhile is resized to afterwards") {
    NodeToResize node;
    auto &[world, daemon] = node;
    world.operation.hook = [&](const std::string &name) {
        if (name == "migration.copy")
            daemon.begin([&] { return daemon.roles.changes.apply(text_with(2 * large), {}); });
    };
    REQUIRE(daemon.apply(text_with(large)));
    CHECK(daemon.datapath.capacity() == large);
    CHECK(world.manifest == text_with(2 * large));
    world.operation.hook = {};
    daemon.check_capacity();
    CHECK(daemon.datapath.capacity() == 2 * large);
}

TEST_CASE("resize: down abandons it at any step, and takes no step back") {
    const auto step = GENERATE(from_range(complete));
    NodeToResize node;
    auto &[world, daemon] = node;
    world.operation.hook = [&](const std::string &name) {
        if (name == step)
            daemon.begin([&] { return daemon.roles.changes.down({}); });
    };
    REQUIRE(daemon.apply(text_with(large)));
    INFO(step);
    const auto &names = world.operation.names;
    const auto removed = std::ranges::find(names, "datapath.detach_all");
    REQUIRE(removed != names.end());
    CHECK(std::none_of(removed, names.end(),
                       [](const std::string &name) { return name.starts_with("migration."); }));
    CHECK(std::ranges::count(names, "migration.undo") == 0);
    CHECK_FALSE(daemon.roles.resizer.target());
    CHECK_FALSE(world.maps);
    CHECK_FALSE(world.guard);
    CHECK(world.attached.empty());

    world.operation.hook = {};
    REQUIRE(daemon.apply(text_with(small)));
    CHECK(daemon.datapath.capacity() == small);
    CHECK(daemon.not_ready().empty());
}

} // namespace glb::test
