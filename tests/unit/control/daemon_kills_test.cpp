// A kill at any operation of a start, an upgrade or a down leaves nothing uninspected, and the next daemon
// continues.
#include <catch2/catch.hpp>

#include "tests/unit/control/node_fixture.h"

namespace glb::test {

namespace {

/// What a daemon does in a world that is prepared for it.
struct Scenario {
    std::string name;
    void (*prepare)(FakeWorld &);
    Status (*run)(Daemon &);
};

void run_before(FakeWorld &world) {
    Daemon daemon(world);
    REQUIRE(daemon.start(manifest_text({"eth1"}, {10, 11})));
    REQUIRE(daemon.apply(manifest_text({"eth1", "eth2"}, {11, 12})));
}

/// The kernel's part is lost.
void reboot(FakeWorld &world) {
    world.maps.reset();
    world.attached.clear();
    world.guard.reset();
}

std::vector<Scenario> starts() {
    return {
        {"first start", [](FakeWorld &) {}, [](Daemon &daemon) { return daemon.start(manifest_text()); }},
        {"restart", run_before, [](Daemon &daemon) { return daemon.start(); }},
        {"start after a reboot",
         [](FakeWorld &world) {
             run_before(world);
             reboot(world);
         },
         [](Daemon &daemon) { return daemon.start(); }},
        {"upgrade",
         [](FakeWorld &world) {
             run_before(world);
             world.older_maps = std::exchange(world.maps, std::nullopt);
         },
         [](Daemon &daemon) { return daemon.start(); }},
    };
}

Status down(Daemon &daemon, bool keep_guard) {
    GLB_TRY(daemon.start());
    GLB_TRY(daemon.down(keep_guard));
    return {};
}

/// Operations of the scenario where nothing fails.
std::size_t count_operations(const Scenario &scenario) {
    FakeWorld world;
    scenario.prepare(world);
    world.operation.restart();
    Daemon daemon(world);
    REQUIRE(scenario.run(daemon));
    return world.operation.names.size();
}

/// Runs the scenario in `world` with a kill at its n-th operation, and returns the operation's name.
std::string run_killed(FakeWorld &world, const Scenario &scenario, std::size_t n) {
    scenario.prepare(world);
    world.operation.restart();
    world.operation.kill_at = n;
    std::string killed_at;
    try {
        Daemon daemon(world);
        (void)scenario.run(daemon);
    } catch (const Killed &killed) {
        killed_at = killed.operation;
    }
    world.operation.restart();
    REQUIRE_FALSE(killed_at.empty());
    return killed_at;
}

} // namespace

TEST_CASE("a kill at any operation of a start: the next daemon becomes ready, with the same manifest") {
    for (const auto &scenario : starts()) {
        FakeWorld clean;
        scenario.prepare(clean);
        {
            Daemon daemon(clean);
            REQUIRE(scenario.run(daemon));
        }
        const auto operations = count_operations(scenario);
        REQUIRE(operations > 5);
        for (std::size_t n = 1; n <= operations; ++n) {
            FakeWorld world;
            const auto killed_at = run_killed(world, scenario, n);
            INFO(scenario.name << ", operation " << n << ": " << killed_at);
            world.check_invariants();
            Daemon next(world);
            REQUIRE(scenario.run(next));
            world.check_invariants();
            CHECK(next.not_ready().empty());
            CHECK_FALSE(world.older_maps);
            CHECK(visible(world) == visible(clean));
        }
    }
}

TEST_CASE("a kill at any operation of a down: the next daemon is ready or waits, and down can be repeated") {
    const bool keep_guard = GENERATE(false, true);
    const Scenario scenario{"down", run_before,
                            keep_guard ? [](Daemon &daemon) { return down(daemon, true); }
                                       : [](Daemon &daemon) { return down(daemon, false); }};
    const auto operations = count_operations(scenario);
    REQUIRE(operations > 10);
    for (std::size_t n = 1; n <= operations; ++n) {
        FakeWorld world;
        const auto killed_at = run_killed(world, scenario, n);
        INFO((keep_guard ? "down with the guard kept" : "down") << ", operation " << n << ": " << killed_at);
        world.check_invariants();
        const bool is_guarded = world.guard.has_value();
        {
            Daemon next(world);
            const bool is_running = world.maps.has_value();
            REQUIRE(next.start());
            world.check_invariants();
            if (world.manifest)
                CHECK(next.not_ready().empty());
            else if (is_running)
                CHECK_THAT(next.not_ready(),
                           Catch::StartsWith("a data path of an earlier daemon is running"));
            else if (is_guarded && !keep_guard) // what was left is shown
                CHECK(next.not_ready().starts_with("the guard of an earlier manifest blocks its traffic"));
            else
                CHECK(next.not_ready() == "waiting for a manifest: glbctl apply FILE");
            CHECK(world.guard.has_value() >= is_guarded);
            if (keep_guard)
                CHECK(world.guard);
            REQUIRE(next.down(keep_guard));
        }
        CHECK_FALSE(world.maps);
        CHECK_FALSE(world.manifest);
        CHECK(world.attached.empty());
        CHECK(world.guard.has_value() == keep_guard);
        Daemon last(world);
        REQUIRE(last.start());
        REQUIRE(last.apply(manifest_text()));
        CHECK(last.not_ready().empty());
        world.check_invariants();
    }
}

} // namespace glb::test
