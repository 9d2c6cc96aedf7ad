// gc removes stale pins, and only where it is known which ones are.
#include <catch2/catch.hpp>

#include "tests/unit/control/running_daemon.h"

namespace glb::test {

namespace {

Result<documents::GarbageCollection> collect(RunningDaemon &daemon, bool dry_run) {
    return daemon
        .send<documents::GarbageCollection>(
            [&](auto done) { daemon.control.collect_garbage(dry_run, {}, std::move(done)); })
        .get();
}

/// Refused, with nothing removed.
void check_refused(RunningDaemon &daemon, const FakeWorld &world, const std::string &message) {
    for (const bool dry_run : {true, false}) {
        const auto result = collect(daemon, dry_run);
        REQUIRE_FALSE(result);
        CHECK(result.error().code == EAGAIN);
        CHECK(result.error().message.starts_with(message));
    }
    CHECK(world.stale_pins.size() == 2);
}

const std::set<std::string> two_pins{"/sys/fs/bpf/glb/a", "/sys/fs/bpf/glb/b"};
const std::vector<documents::StalePin> two_documents{{"maps", "/sys/fs/bpf/glb/a"},
                                                     {"maps", "/sys/fs/bpf/glb/b"}};

} // namespace

TEST_CASE("gc: stale pins are reported and removed, on a dry run only reported") {
    FakeWorld world;
    RunningDaemon daemon(world);
    world.stale_pins = two_pins;
    const auto dry = collect(daemon, true);
    REQUIRE(dry);
    CHECK(*dry == documents::GarbageCollection{false, two_documents});
    CHECK(world.stale_pins == two_pins);
    const auto done = collect(daemon, false);
    REQUIRE(done);
    CHECK(*done == documents::GarbageCollection{true, two_documents});
    CHECK(world.stale_pins.empty());
    const auto again = collect(daemon, false);
    REQUIRE(again);
    CHECK(again->leftovers.empty());
}

TEST_CASE("gc: a pin that cannot be removed is an error, and repeating removes the rest") {
    FakeWorld world;
    world.stale_pins = two_pins;
    world.operation.hook = [&, removals = 0](const std::string &name) mutable {
        if (name.starts_with("stale_pin.remove "))
            world.operation.fail_named = ++removals == 2 ? std::optional(name) : std::nullopt;
    };
    RunningDaemon daemon(world);
    const auto failed = collect(daemon, false);
    REQUIRE_FALSE(failed);
    CHECK(failed.error().message == "fault at stale_pin.remove /sys/fs/bpf/glb/b");
    CHECK(world.stale_pins.size() == 1);
    REQUIRE(collect(daemon, false));
    CHECK(world.stale_pins.empty());
}

TEST_CASE("gc: without an active manifest it is refused") {
    FakeWorld world;
    world.stale_pins = two_pins;
    RunningDaemon daemon(world, std::nullopt);
    check_refused(daemon, world, "gc needs an active manifest");
    REQUIRE(daemon.apply(manifest_text()).get());
    REQUIRE(collect(daemon, false));
    CHECK(world.stale_pins.empty());
}

TEST_CASE("gc: the guard of a daemon that is gone is removed, also without an active manifest") {
    FakeWorld world;
    world.stale_pins = two_pins;
    world.guard_of_other = "node-a";
    RunningDaemon daemon(world, std::nullopt);
    const auto dry = collect(daemon, true);
    REQUIRE(dry);
    CHECK(*dry == documents::GarbageCollection{false, {{"guard", "node-a"}}});
    CHECK(world.guard_of_other);
    CHECK_FALSE(daemon.apply(manifest_text()).get());
    const auto done = collect(daemon, false);
    REQUIRE(done);
    CHECK(*done == documents::GarbageCollection{true, {{"guard", "node-a"}}});
    CHECK_FALSE(world.guard_of_other);
    REQUIRE(daemon.apply(manifest_text()).get());
    CHECK(collect(daemon, false)->leftovers == two_documents);
}

TEST_CASE("gc: while a resize migrates flows it is refused") {
    FakeWorld world;
    world.stale_pins = two_pins;
    RunningDaemon daemon(world);
    std::promise<void> blocked, released, finished;
    world.operation.hook = [&](const std::string &name) {
        if (name == "migration.copy") {
            blocked.set_value();
            released.get_future().wait();
        } else if (name == "migration.finish") {
            finished.set_value();
        }
    };
    REQUIRE(daemon.apply(manifest_text({"eth1"}, {10}, 1u << 17)).get());
    blocked.get_future().wait();
    check_refused(daemon, world, "flows are being migrated");
    released.set_value();
    finished.get_future().wait();
    REQUIRE(collect(daemon, false)); // finish() has the turn
    CHECK(world.stale_pins.empty());
}

TEST_CASE("gc: while an upgrade is not finished it is refused") {
    FakeWorld world;
    REQUIRE(Daemon(world).start(manifest_text()));
    world.older_maps = std::exchange(world.maps, std::nullopt);
    world.stale_pins = two_pins;
    world.operation.fail_named = "migration.finish";
    RunningDaemon daemon(world);
    check_refused(daemon, world, "flows are being migrated");
}

} // namespace glb::test
