// down --keep-guard: nothing passes uninspected until a manifest is applied, whatever happens meanwhile.
#include <catch2/catch.hpp>

#include "controller/control/boot_guard.h"
#include "controller/control/kept_guard.h"
#include "tests/harness/captured_log.h"
#include "tests/unit/control/node_fixture.h"

namespace glb::test {

namespace {

using namespace control;
using namespace std::chrono_literals;

/// Of the kernel nothing remains, of the disk everything.
void restart_host(FakeWorld &world) {
    world.maps.reset();
    world.attached.clear();
    world.guard.reset();
}

/// A world in which the guard of `manifest_text()` was kept.
plan::GuardPlan keep_guard(FakeWorld &world) {
    Daemon daemon(world);
    REQUIRE(daemon.start(manifest_text()));
    const auto guard = world.guard;
    REQUIRE(daemon.down(true));
    REQUIRE(guard);
    return *guard;
}

bool guards(const FakeWorld &world, const std::string &interface) {
    return world.guard && std::ranges::any_of(world.guard->ports, [&](const plan::GuardedPort &port) {
               return port.interface == interface && port.is_guarded();
           });
}

/// What a tick does without a manifest.
void retry(Daemon &daemon) {
    daemon.run([&]() -> Task<bool> {
        co_await daemon.roles.changes.retry_without_manifest();
        co_return true;
    });
}

} // namespace

TEST_CASE("down --keep-guard: the guard stays and is repaired, all else is removed") {
    FakeWorld world;
    Daemon daemon(world);
    REQUIRE(daemon.start(manifest_text()));
    const auto guard = world.guard;
    world.operation.restart();
    const auto result = daemon.down(true);
    REQUIRE(result);
    CHECK(result->guard_kept);
    CHECK(world.guard == guard);
    CHECK_FALSE(world.maps);
    CHECK_FALSE(world.manifest);
    CHECK(world.attached.empty());
    CHECK(world.values.contains(devices_key)); // the next guard needs to know them
    CHECK(std::ranges::count(world.operation.names, "guard.remove") == 0);
    CHECK(daemon.not_ready() == "waiting for a manifest: glbctl apply FILE");
    const auto snapshot =
        node_snapshot(daemon.state, daemon.ports, daemon.roles.reconciler.attached_interfaces());
    CHECK(snapshot->guard.installed);
    REQUIRE(snapshot->guard.manifest);
    CHECK(snapshot->guard.manifest->endpoints[0].name == "web");
    CHECK_FALSE(snapshot->manifest);
    world.guard.reset(); // somebody flushed the rules
    REQUIRE(daemon.roles.reconciler.check_guard());
    CHECK(world.guard == guard);
}

TEST_CASE("down: without a manifest there is no guard to keep") {
    FakeWorld world;
    Daemon daemon(world);
    REQUIRE(daemon.start());
    const auto result = daemon.down(true);
    REQUIRE(result);
    CHECK_FALSE(result->guard_kept);
    CHECK_FALSE(load_kept_guard(daemon.persisted));
}

TEST_CASE("kept guard: the next daemon installs it, after a reboot too") {
    FakeWorld world;
    const auto guard = keep_guard(world);
    if (GENERATE(false, true))
        restart_host(world);
    Daemon daemon(world);
    REQUIRE(daemon.start());
    CHECK(world.guard == guard);
    CHECK(daemon.state.installed.guard);
    CHECK_FALSE(world.maps);
    CHECK(daemon.not_ready() == "waiting for a manifest: glbctl apply FILE");
}

TEST_CASE("kept guard: one that cannot be installed is no reason not to start, and is tried again") {
    FakeWorld world;
    const auto guard = keep_guard(world);
    restart_host(world);
    world.operation.restart();
    world.operation.fail_named = "guard.install";
    Daemon daemon(world);
    REQUIRE(daemon.start());
    CHECK_FALSE(daemon.state.installed.guard);
    CHECK_THAT(daemon.not_ready(),
               Catch::Contains("the guard could not be restored: fault at guard.install"));
    const CapturedLog log;
    for (int i = 0; i < 3; ++i)
        retry(daemon);
    CHECK(log.count("guard.install") == 0); // it was told at the start
    world.operation.restart();
    retry(daemon);
    CHECK(world.guard == guard);
    CHECK(daemon.state.installed.guard);
    CHECK(daemon.not_ready() == "waiting for a manifest: glbctl apply FILE");
}

TEST_CASE("kept guard: an apply ends it, and what it guarded alone is open again") {
    FakeWorld world;
    keep_guard(world);
    Daemon daemon(world);
    REQUIRE(daemon.start());
    REQUIRE(daemon.apply(manifest_text({"eth2"})));
    world.check_invariants();
    CHECK(guards(world, "eth2"));
    CHECK_FALSE(guards(world, "eth1"));
    CHECK_FALSE(load_kept_guard(daemon.persisted));
    CHECK(daemon.not_ready().empty());
    REQUIRE(daemon.down());
    CHECK_FALSE(world.guard);
    REQUIRE(Daemon(world).start());
    CHECK_FALSE(world.guard);
}

TEST_CASE("kept guard: an apply that fails leaves it") {
    FakeWorld world;
    const auto guard = keep_guard(world);
    Daemon daemon(world);
    REQUIRE(daemon.start());
    for (const std::string step : {"datapath.load", "datapath.attach", "state.save_manifest"}) {
        INFO(step);
        world.operation.restart();
        world.operation.fail_named = step;
        REQUIRE_FALSE(daemon.apply(manifest_text({"eth2"})));
        world.operation.restart();
        CHECK(world.guard == guard);
        CHECK_FALSE(world.maps);
        CHECK_FALSE(world.manifest);
        CHECK(daemon.state.installed.guard);
        CHECK(load_kept_guard_text(daemon.persisted) == manifest_text());
    }
}

TEST_CASE("kept guard: down keeps it again, or ends it") {
    FakeWorld world;
    const auto guard = keep_guard(world);
    auto daemon = std::make_unique<Daemon>(world);
    REQUIRE(daemon->start());
    const auto again = daemon->down(true);
    REQUIRE(again);
    CHECK(again->guard_kept);
    daemon = std::make_unique<Daemon>(world);
    REQUIRE(daemon->start());
    CHECK(world.guard == guard);
    REQUIRE(daemon->down());
    CHECK_FALSE(world.guard);
    REQUIRE(Daemon(world).start());
    CHECK_FALSE(world.guard);
}

TEST_CASE("kept guard: after a first manifest that was not confirmed it blocks again") {
    const bool restarts = GENERATE(false, true);
    FakeWorld world;
    const auto guard = keep_guard(world);
    const auto devices = world.values.at(devices_key);
    auto daemon = std::make_unique<Daemon>(world);
    REQUIRE(daemon->start());
    REQUIRE(daemon->apply(manifest_text({"eth2"}), confirm_within(60s)));
    CHECK_FALSE(guards(world, "eth1"));
    if (restarts) {
        daemon = nullptr;
        daemon = std::make_unique<Daemon>(world);
        REQUIRE(daemon->start());
    }
    world.now += 60s;
    daemon->expire_confirmation();
    CHECK_FALSE(world.maps);
    CHECK_FALSE(world.manifest);
    CHECK(world.guard == guard);
    CHECK(world.values.at(devices_key) == devices);
    CHECK(load_kept_guard_text(daemon->persisted) == manifest_text());
    CHECK(daemon->not_ready() == "waiting for a manifest: glbctl apply FILE");
}

TEST_CASE("boot guard: that of the stored manifest, else of the file, else the kept one, else none") {
    FakeWorld world;
    Daemon daemon(world);
    const ManifestFile file{"manifest.json", manifest_text({"eth2"})};
    REQUIRE(install_boot_guard(daemon.ports, std::nullopt));
    CHECK_FALSE(world.guard);
    REQUIRE(install_boot_guard(daemon.ports, file));
    CHECK(guards(world, "eth2"));

    world.guard.reset();
    REQUIRE(persist_kept_guard(daemon.persisted, manifest_text({"eth1"})));
    REQUIRE(install_boot_guard(daemon.ports, std::nullopt));
    CHECK(guards(world, "eth1"));
    REQUIRE(install_boot_guard(daemon.ports, file));
    CHECK(guards(world, "eth2"));
    CHECK_FALSE(guards(world, "eth1"));

    world.manifest = manifest_text({"eth1", "eth2"});
    REQUIRE(install_boot_guard(daemon.ports, file));
    CHECK(guards(world, "eth1"));
    CHECK(guards(world, "eth2"));
    CHECK_FALSE(world.maps);
    CHECK(world.attached.empty());
}

TEST_CASE("boot guard: the file counts only where it is needed, and then it has to be readable") {
    FakeWorld world;
    Daemon daemon(world);
    const ManifestFile unreadable{"manifest.json", fail("no such file")};
    const auto failed = install_boot_guard(daemon.ports, unreadable);
    REQUIRE_FALSE(failed);
    CHECK(failed.error().message == "no such file");
    world.manifest = manifest_text();
    REQUIRE(install_boot_guard(daemon.ports, unreadable));
    CHECK(guards(world, "eth1"));
    const auto refusal = install_boot_guard(daemon.ports, ManifestFile{"m.json", std::string("{")});
    CHECK(refusal); // the stored manifest precedes it
    world.manifest = "{";
    world.guard.reset();
    CHECK_FALSE(install_boot_guard(daemon.ports, std::nullopt));
}

TEST_CASE("boot guard: an interface that does not exist yet is guarded by its name") {
    FakeWorld world;
    REQUIRE(Daemon(world).start(manifest_text()));
    restart_host(world);
    const auto eth1 = world.network.links[1];
    world.network.links.erase(world.network.links.begin() + 1);
    {
        Daemon boot(world);
        REQUIRE(install_boot_guard(boot.ports, std::nullopt));
    }
    CHECK(guards(world, "eth1"));
    world.network.links.insert(world.network.links.begin() + 1, eth1);
    Daemon daemon(world);
    REQUIRE(daemon.start());
    CHECK(guards(world, "eth1"));
    CHECK(daemon.not_ready().empty());
    world.check_invariants();
}

} // namespace glb::test
