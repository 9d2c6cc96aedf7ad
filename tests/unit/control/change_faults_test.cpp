// A fault at each operation of a change undoes it; a kill at each operation leaves a state from which the
// next daemon continues.
#include <catch2/catch.hpp>

#include <algorithm>

#include "tests/unit/control/node_fixture.h"

namespace glb::test {

namespace {

struct Change {
    std::string before, after;
};

/// Something is added, removed and changed in each.
std::vector<Change> changes() {
    return {
        {"", manifest_text()},
        {manifest_text({"eth1"}, {10, 11}), manifest_text({"eth1", "eth2"}, {11, 12})},
        {manifest_text({"eth1", "eth2"}, {10, 11}), manifest_text({"eth2"}, {10})},
    };
}

/// Operations of the change where nothing fails.
std::size_t count_operations(const Change &change) {
    FakeWorld world;
    Daemon daemon(world);
    REQUIRE(daemon.start());
    if (!change.before.empty())
        REQUIRE(daemon.apply(change.before));
    world.operation.restart();
    REQUIRE(daemon.apply(change.after));
    return world.operation.names.size();
}

/// Without it something would remain that blocks, steers or attracts traffic. The rest concerns settings of
/// interfaces and state that the next manifest replaces.
bool is_essential_for_down(const std::string &operation) {
    return operation.starts_with("datapath.") || operation.starts_with("guard.") ||
           operation == "state.remove_manifest" || operation == "state.set_value keptGuard";
}

} // namespace

TEST_CASE("a fault at any operation: the change is undone, and can be applied afterwards") {
    for (const auto &change : changes()) {
        const auto operations = count_operations(change);
        REQUIRE(operations > 10);
        for (std::size_t n = 1; n <= operations; ++n) {
            FakeWorld world;
            Daemon daemon(world);
            REQUIRE(daemon.start());
            if (!change.before.empty())
                REQUIRE(daemon.apply(change.before));
            const auto before = visible(world);
            world.operation.restart();
            world.operation.fail_at = n;
            const auto result = daemon.apply(change.after);
            const auto failed = world.operation.names[n - 1];
            INFO("operation " << n << ": " << failed);
            world.check_invariants();
            if (!result) {
                CHECK(result.error().message.find("fault at") != std::string::npos);
                CHECK(visible(world) == before);
                if (!change.before.empty())
                    CHECK(daemon.not_ready().empty());
            } else { // not essential: logged
                CHECK(world.manifest == change.after);
            }
            world.operation.restart();
            REQUIRE(daemon.apply(change.after));
            CHECK(daemon.not_ready().empty());
            world.check_invariants();
        }
    }
}

TEST_CASE("a kill at any operation: the next daemon makes the stored manifest active") {
    for (const auto &change : changes()) {
        const auto operations = count_operations(change);
        for (std::size_t n = 1; n <= operations; ++n) {
            FakeWorld world;
            std::string killed_at;
            {
                Daemon daemon(world);
                REQUIRE(daemon.start());
                if (!change.before.empty())
                    REQUIRE(daemon.apply(change.before));
                world.operation.restart();
                world.operation.kill_at = n;
                try {
                    (void)daemon.apply(change.after);
                } catch (const Killed &killed) {
                    killed_at = killed.operation;
                }
            }
            INFO("operation " << n << ": " << killed_at);
            REQUIRE(!killed_at.empty());
            world.check_invariants();
            world.operation.restart();
            Daemon next(world);
            REQUIRE(next.start());
            world.check_invariants();
            if (world.manifest) {
                CHECK((world.manifest == change.before || world.manifest == change.after));
                CHECK(next.not_ready().empty());
            }
            REQUIRE(next.apply(change.after));
            CHECK(next.not_ready().empty());
            FakeWorld clean;
            Daemon other(clean);
            REQUIRE(other.start(change.after));
            // Targets that were removed may still drain.
            CHECK(std::ranges::includes(visible(world).targets, visible(clean).targets));
            CHECK(visible(world).attached == visible(clean).attached);
            CHECK(visible(world).manifest == visible(clean).manifest);
        }
    }
}

TEST_CASE("a target that fails while a change is undone remains down") {
    FakeWorld world;
    Daemon daemon(world);
    REQUIRE(daemon.start(manifest_text()));
    daemon.health.verdict("fw/fw-10", false);
    world.operation.restart();
    world.operation.fail_named = "datapath.sync_next_hops";
    CHECK_FALSE(daemon.apply(manifest_text({"eth1"}, {10, 11, 12})));
    world.operation.restart();
    daemon.refresh();
    const auto seen = visible(world).targets;
    REQUIRE(seen.size() == 2);
    CHECK((seen[0].second ? 1 : 0) + (seen[1].second ? 1 : 0) == 1);
}

TEST_CASE("down: an essential fault is reported, and repeating it removes the rest") {
    const bool keep_guard = GENERATE(false, true);
    const auto start = [](Daemon &daemon, FakeWorld &world) {
        REQUIRE(daemon.start(manifest_text()));
        world.operation.restart();
    };
    std::size_t operations = 0;
    {
        FakeWorld world;
        Daemon daemon(world);
        start(daemon, world);
        REQUIRE(daemon.down(keep_guard));
        operations = world.operation.names.size();
    }
    REQUIRE(operations > 5);
    for (std::size_t n = 1; n <= operations; ++n) {
        FakeWorld world;
        Daemon daemon(world);
        start(daemon, world);
        const auto guard = world.guard;
        world.operation.fail_at = n;
        const auto result = daemon.down(keep_guard);
        const auto failed = world.operation.names[n - 1];
        INFO("operation " << n << ": " << failed);
        REQUIRE(result.has_value() != is_essential_for_down(failed));
        if (!result)
            CHECK(result.error().message == "fault at " + failed);
        world.operation.restart();
        REQUIRE(daemon.down(keep_guard));
        CHECK_FALSE(world.maps);
        CHECK(world.guard == (keep_guard ? guard : std::nullopt));
        CHECK(world.attached.empty());
        CHECK_FALSE(world.manifest);
        if (failed != "network.set_offload") // not tried again: the interface may be gone
            CHECK(world.offloads["eth1"].contains(network::OffloadFeature::rx_vlan));
    }
}

} // namespace glb::test
