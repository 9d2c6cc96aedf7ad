// apply --confirm: without a confirmation in time the node returns to what it had before, and a restart of the
// daemon changes nothing about that.
#include <catch2/catch.hpp>

#include <algorithm>

#include "tests/harness/captured_log.h"
#include "tests/unit/control/node_fixture.h"

namespace glb::test {

namespace {

using namespace std::chrono_literals;

const auto first_text = manifest_text({"eth1"}, {10, 11});
const auto pending_text = manifest_text({"eth1", "eth2"}, {11, 12});

/// A manifest is pending confirmation for a minute, over another one or over none.
void apply_pending(Daemon &daemon, bool over_another) {
    REQUIRE(daemon.start());
    if (over_another)
        REQUIRE(daemon.apply(first_text));
    auto options = confirm_within(60s);
    options.peer = {true, 7, 7, 8};
    const auto result = daemon.apply(pending_text, options);
    REQUIRE(result);
    REQUIRE(result->confirm_within_seconds == 60u);
}

void check_is_reverted(const FakeWorld &world, bool to_another) {
    FakeWorld clean;
    if (to_another)
        REQUIRE(Daemon(clean).start(first_text));
    CHECK(visible(world).manifest == visible(clean).manifest);
    CHECK(visible(world).guard == visible(clean).guard);
    CHECK(visible(world).attached == visible(clean).attached);
    // Targets of the pending manifest may drain.
    CHECK(std::ranges::includes(visible(world).targets, visible(clean).targets));
    CHECK(world.maps.has_value() == to_another);
    CHECK_FALSE(world.values.contains("confirmation"));
    world.check_invariants();
}

/// Another daemon, as after an upgrade of the package.
void restart(std::unique_ptr<Daemon> &daemon, FakeWorld &world) {
    daemon = nullptr;
    daemon = std::make_unique<Daemon>(world);
    REQUIRE(daemon->start());
}

/// A daemon whose manifest is pending confirmation, also after a restart.
std::unique_ptr<Daemon> pending_daemon(FakeWorld &world, bool over_another, bool restarts = false) {
    auto daemon = std::make_unique<Daemon>(world);
    apply_pending(*daemon, over_another);
    if (restarts)
        restart(daemon, world);
    return daemon;
}

} // namespace

TEST_CASE("apply --confirm: a confirmed manifest stays, also across a restart") {
    const bool over_another = GENERATE(false, true);
    const bool restarts = GENERATE(false, true);
    FakeWorld world;
    auto daemon = pending_daemon(world, over_another, restarts);
    REQUIRE(daemon->run([&] { return daemon->roles.changes.confirm({}); }));
    CHECK_FALSE(world.values.contains("confirmation"));
    world.now += 61s;
    daemon->expire_confirmation();
    restart(daemon, world);
    CHECK(world.manifest == pending_text);
    CHECK(daemon->not_ready().empty());
    const auto again = daemon->run([&] { return daemon->roles.changes.confirm({}); });
    REQUIRE_FALSE(again);
    CHECK(again.error().code == ENOENT);
}

TEST_CASE("apply --confirm: a manifest that is not confirmed in time is reverted, and not before") {
    const bool over_another = GENERATE(false, true);
    const bool restarts = GENERATE(false, true);
    FakeWorld world;
    auto daemon = pending_daemon(world, over_another, restarts);
    world.now += 59s;
    daemon->expire_confirmation();
    CHECK(world.manifest == pending_text);
    CHECK(daemon->not_ready().empty());
    world.now += 1s;
    daemon->expire_confirmation();
    check_is_reverted(world, over_another);
    CHECK(daemon->not_ready() == (over_another ? "" : "waiting for a manifest: glbctl apply FILE"));
    CHECK_FALSE(daemon->run([&] { return daemon->roles.changes.confirm({}); }));
    if (over_another)
        CHECK(world.history.front().by == "revert");
}

TEST_CASE("apply --confirm: where the time ended without a daemon, the next one reverts") {
    const bool over_another = GENERATE(false, true);
    FakeWorld world;
    auto daemon = pending_daemon(world, over_another);
    world.now += 60s;
    restart(daemon, world);
    check_is_reverted(world, over_another);
}

TEST_CASE("apply --confirm: while a manifest is pending, every other change is refused and names who waits") {
    const bool over_another = GENERATE(false, true);
    const bool restarts = GENERATE(false, true);
    FakeWorld world;
    auto daemon = pending_daemon(world, over_another, restarts);
    world.now += 20s;
    const auto before = visible(world);
    auto reload = control::ApplyOptions{};
    reload.by = "reload";
    for (const auto &options : {control::ApplyOptions{}, reload, confirm_within(30s)}) {
        const auto refused = daemon->apply(manifest_text({"eth2"}, {13}), options);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code == EBUSY);
        CHECK_THAT(refused.error().message, Catch::Contains("applied by uid 7, pid 8") &&
                                                Catch::Contains("reverted in 40 s") &&
                                                Catch::Contains("--confirm-pending"));
    }
    CHECK_FALSE(daemon->run([&] { return daemon->roles.changes.rollback(0, {}); }));
    CHECK(visible(world).manifest == before.manifest);
    auto dry_run = control::ApplyOptions{};
    dry_run.dry_run = true;
    CHECK(daemon->apply(manifest_text({"eth2"}, {13}), dry_run));
    world.now += 40s;
    daemon->expire_confirmation();
    check_is_reverted(world, over_another);
}

TEST_CASE("apply --confirm-pending: confirms the pending manifest together with the new one") {
    FakeWorld world;
    Daemon daemon(world);
    apply_pending(daemon, true);
    const auto next_text = manifest_text({"eth2"}, {13});
    auto options = control::ApplyOptions{};
    options.confirm_pending = true;
    REQUIRE(daemon.apply(next_text, options));
    CHECK_FALSE(world.values.contains("confirmation"));
    world.now += 61s;
    daemon.expire_confirmation();
    CHECK(world.manifest == next_text);
}

TEST_CASE("apply --confirm-pending --confirm: the pending manifest is the one that returns") {
    FakeWorld world;
    Daemon daemon(world);
    apply_pending(daemon, true);
    auto options = confirm_within(30s);
    options.confirm_pending = true;
    REQUIRE(daemon.apply(manifest_text({"eth2"}, {13}), options));
    world.now += 30s;
    daemon.expire_confirmation();
    CHECK(world.manifest == pending_text);
    CHECK_FALSE(world.values.contains("confirmation"));
    CHECK(daemon.not_ready().empty());
}

TEST_CASE("apply --confirm: after a kill before the manifest is stored, nothing is pending") {
    FakeWorld world;
    {
        Daemon daemon(world);
        REQUIRE(daemon.start(first_text));
        world.operation.hook = [](const std::string &name) {
            if (name == "state.save_manifest")
                throw Killed{name};
        };
        REQUIRE_THROWS_AS(daemon.apply(pending_text, confirm_within(60s)), Killed);
        world.operation.hook = {};
    }
    CHECK(world.values.contains("nextConfirmation"));
    Daemon next(world);
    REQUIRE(next.start());
    CHECK_FALSE(next.state.desired.confirmation);
    CHECK_FALSE(next.run([&] { return next.roles.changes.confirm({}); }));
    world.now += 60s;
    next.expire_confirmation();
    CHECK(world.manifest == first_text);
    CHECK(world.history.size() == 1);
    CHECK_FALSE(world.values.contains("nextConfirmation"));
}

TEST_CASE("apply --confirm: a record that a kill left concerns no later change") {
    FakeWorld world;
    const auto kill_at = [&](const std::string &operation) {
        world.operation.hook = [operation](const std::string &name) {
            if (name == operation)
                throw Killed{name};
        };
    };
    {
        Daemon daemon(world);
        REQUIRE(daemon.start(first_text));
        kill_at("state.save_manifest");
        REQUIRE_THROWS_AS(daemon.apply(pending_text, confirm_within(60s)), Killed);
    }
    {
        world.operation.hook = {};
        Daemon daemon(world);
        REQUIRE(daemon.start());
        kill_at("state.add_history"); // the manifest is stored
        REQUIRE_THROWS_AS(daemon.apply(pending_text), Killed);
    }
    world.operation.hook = {};
    Daemon next(world);
    REQUIRE(next.start());
    CHECK(world.manifest == pending_text);
    CHECK_FALSE(next.state.desired.confirmation);
}

TEST_CASE("apply --confirm-pending --confirm: after a kill the manifest that is stored is the one pending") {
    const auto next_text = manifest_text({"eth2"}, {13});
    bool was_killed = true;
    for (std::size_t n = 1; was_killed; ++n) {
        FakeWorld world;
        {
            Daemon daemon(world);
            apply_pending(daemon, true);
            auto options = confirm_within(60s);
            options.confirm_pending = true;
            world.operation.restart();
            world.operation.kill_at = n;
            try {
                const auto result = daemon.apply(next_text, options);
                was_killed = false;
                REQUIRE(result);
            } catch (const Killed &) {
            }
        }
        INFO("killed at operation " << n);
        world.operation.restart();
        Daemon daemon(world);
        REQUIRE(daemon.start());
        const auto stored = world.manifest;
        CHECK((stored == pending_text || stored == next_text));
        world.now += 61s;
        daemon.expire_confirmation();
        CHECK(world.manifest == (stored == pending_text ? first_text : pending_text));
        CHECK(daemon.not_ready().empty());
    }
}

TEST_CASE("apply --confirm: a revert that keeps failing is told once") {
    FakeWorld world;
    Daemon daemon(world);
    apply_pending(daemon, true);
    world.now += 60s;
    world.operation.restart();
    world.operation.fail_named = "state.save_manifest";
    const CapturedLog log;
    for (int i = 0; i < 3; ++i)
        daemon.expire_confirmation();
    CHECK(log.count("was not confirmed in time") == 1);
    CHECK(log.count("could not be restored") == 1);
    world.operation.restart();
    daemon.expire_confirmation();
    CHECK(world.manifest == first_text);
}

TEST_CASE("apply --confirm: an apply that fails leaves the pending manifest pending") {
    FakeWorld world;
    Daemon daemon(world);
    apply_pending(daemon, true);
    world.operation.restart();
    world.operation.fail_named = "datapath.flip";
    auto options = control::ApplyOptions{};
    options.confirm_pending = true;
    REQUIRE_FALSE(daemon.apply(manifest_text({"eth1"}, {13}), options));
    world.operation.restart();
    CHECK(world.manifest == pending_text);
    world.now += 60s;
    daemon.expire_confirmation();
    check_is_reverted(world, true);
}

TEST_CASE("apply --confirm: a fault at any operation of the revert: it is tried again") {
    const bool over_another = GENERATE(false, true);
    std::size_t operations = 1;
    for (std::size_t n = 1; n <= operations; ++n) {
        FakeWorld world;
        Daemon daemon(world);
        apply_pending(daemon, over_another);
        world.now += 60s;
        world.operation.restart();
        world.operation.fail_at = n;
        daemon.expire_confirmation();
        const auto failed = world.operation.names[n - 1];
        INFO("operation " << n << ": " << failed);
        if (n == 1) { // whatever follows a fault, there are not more without one
            FakeWorld other;
            Daemon undisturbed(other);
            apply_pending(undisturbed, over_another);
            other.now += 60s;
            other.operation.restart();
            undisturbed.expire_confirmation();
            operations = other.operation.names.size();
        }
        world.operation.restart();
        daemon.expire_confirmation();
        check_is_reverted(world, over_another);
    }
}

TEST_CASE("apply --confirm: a kill at any operation of the revert: the next daemon completes it") {
    const bool over_another = GENERATE(false, true);
    for (std::size_t n = 1;; ++n) {
        FakeWorld world;
        std::string killed_at;
        {
            Daemon daemon(world);
            apply_pending(daemon, over_another);
            world.now += 60s;
            world.operation.restart();
            world.operation.kill_at = n;
            try {
                daemon.expire_confirmation();
            } catch (const Killed &killed) {
                killed_at = killed.operation;
            }
        }
        if (killed_at.empty())
            break;
        INFO("operation " << n << ": " << killed_at);
        world.check_invariants();
        world.operation.restart();
        Daemon next(world);
        REQUIRE(next.start());
        world.operation.names.clear();
        world.check_invariants();
        CHECK(visible(world).manifest == (over_another ? std::optional(first_text) : std::nullopt));
        if (!over_another) {
            CHECK_FALSE(world.maps);
            CHECK_FALSE(world.guard);
        }
    }
}

} // namespace glb::test
