// Whatever of the state is lost, the guard stands, and the node says what is wrong.
#include <catch2/catch.hpp>

#include "controller/control/boot_guard.h"
#include "tests/unit/control/node_fixture.h"

namespace glb::test {

namespace {

using namespace control;

bool guards(const FakeWorld &world, const std::string &interface) {
    return world.guard && std::ranges::any_of(world.guard->ports, [&](const plan::GuardedPort &port) {
               return port.interface == interface && port.is_guarded();
           });
}

/// `manifest_text()` as a newer version might write it.
std::string newer_manifest() {
    auto manifest = nlohmann::json::parse(manifest_text());
    manifest["version"] = 2;
    manifest["node"]["future"] = {{"a", 1}};
    manifest["endpoints"][0]["future"] = true;
    return manifest.dump();
}

/// A node on which a manifest was applied, after a reboot.
struct Rebooted {
    Rebooted() {
        Daemon daemon(world);
        REQUIRE(daemon.start(manifest_text()));
        world.maps.reset();
        world.attached.clear();
        world.guard.reset();
        world.operation.restart();
    }
    /// Of the manifest, the file `manifest`.
    void lose(const std::string &damage) {
        world.manifest.reset();
        world.manifest_damage = damage;
    }
    FakeWorld world;
};

} // namespace

TEST_CASE("damaged state: a manifest that cannot be read is taken from the history") {
    Rebooted node;
    node.lose("manifest is empty");
    Daemon boot(node.world);
    REQUIRE(install_boot_guard(boot.ports, std::nullopt));
    CHECK(guards(node.world, "eth1"));
    node.world.guard.reset();
    Daemon daemon(node.world);
    REQUIRE(daemon.start());
    CHECK(guards(node.world, "eth1"));
    CHECK(daemon.not_ready().empty());
    CHECK(daemon.state.desired.text == manifest_text());
}

TEST_CASE("damaged state: without a history the devices that had a guard are blocked, until a manifest is "
          "applied") {
    Rebooted node;
    auto &world = node.world;
    node.lose("manifest is truncated or damaged");
    world.history.clear();
    Daemon boot(world);
    REQUIRE(install_boot_guard(boot.ports, std::nullopt));
    CHECK(guards(world, "eth1"));
    world.guard.reset();
    Daemon daemon(world);
    world.operation.fail_named = "guard.install";
    REQUIRE(daemon.start());
    CHECK_FALSE(daemon.state.installed.guard);
    world.operation.restart();
    const auto retry = [&] {
        daemon.run([&]() -> Task<bool> {
            co_await daemon.roles.changes.retry_without_manifest();
            co_return true;
        });
    };
    retry();
    CHECK(guards(world, "eth1"));
    CHECK(daemon.state.installed.guard);
    CHECK(daemon.not_ready().starts_with(
        "the active manifest cannot be read: manifest is truncated or damaged; fix: glbctl apply FILE"));

    world.operation.fail_named = "datapath.load";
    REQUIRE_FALSE(daemon.apply(manifest_text({"eth2"})));
    world.operation.restart();
    CHECK(guards(world, "eth1")); // a change that fails does not open it
    CHECK(daemon.state.installed.guard);
    CHECK_FALSE(daemon.not_ready().empty());
    world.manifest_damage.clear();
    REQUIRE(daemon.apply(manifest_text({"eth2"})));
    CHECK(daemon.not_ready().empty());
    CHECK_FALSE(guards(world, "eth1"));
}

TEST_CASE("damaged state: a manifest whose file is gone is guarded, and not active") {
    Rebooted node;
    auto &world = node.world;
    node.lose("");
    Daemon boot(world);
    REQUIRE(install_boot_guard(boot.ports, std::nullopt));
    CHECK(guards(world, "eth1"));
    world.guard.reset();
    Daemon daemon(world);
    REQUIRE(daemon.start());
    CHECK(guards(world, "eth1"));
    CHECK_FALSE(world.maps);
    CHECK(daemon.not_ready().starts_with("the active manifest is lost: manifest: No such file or directory"));
    const auto snapshot =
        node_snapshot(daemon.state, daemon.ports, daemon.roles.reconciler.attached_interfaces());
    CHECK(snapshot->guard.installed);
    REQUIRE(snapshot->guard.manifest);
    REQUIRE(daemon.rollback(1)); // the fix that the reason names
    CHECK(world.manifest == manifest_text());
    CHECK(daemon.not_ready().empty());
}

TEST_CASE("damaged state: after down nothing is guarded, whatever the history has") {
    FakeWorld world;
    {
        Daemon daemon(world);
        REQUIRE(daemon.start(manifest_text()));
        REQUIRE(daemon.down());
    }
    Daemon daemon(world);
    REQUIRE(daemon.start());
    CHECK_FALSE(world.guard);
    CHECK(daemon.not_ready() == "waiting for a manifest: glbctl apply FILE");
    REQUIRE_FALSE(daemon.apply("{}")->errors.empty());
    world.operation.fail_named = "datapath.load";
    REQUIRE_FALSE(daemon.apply(manifest_text()));
    world.operation.restart();
    CHECK_FALSE(world.guard);
    REQUIRE(Daemon(world).start());
    CHECK_FALSE(world.guard);
}

TEST_CASE(
    "damaged state: of a manifest of a newer version the interfaces are guarded, and its text is kept") {
    Rebooted node;
    auto &world = node.world;
    world.manifest = newer_manifest();
    Daemon boot(world);
    REQUIRE(install_boot_guard(boot.ports, std::nullopt));
    CHECK(guards(world, "eth1"));
    CHECK_FALSE(guards(world, "eth0")); // the tunnel
    world.guard.reset();
    {
        Daemon daemon(world);
        REQUIRE(daemon.start());
        CHECK(guards(world, "eth1"));
        CHECK_FALSE(world.maps);
        CHECK(daemon.not_ready().starts_with("the active manifest cannot be used: manifest: /"));
        for (const std::string step : {"datapath.load", "state.save_manifest"}) {
            world.operation.fail_named = step;
            REQUIRE_FALSE(daemon.apply(manifest_text({"eth2"})));
            world.operation.restart();
            CHECK(guards(world, "eth1"));
            CHECK(world.manifest == newer_manifest());
        }
        CHECK(daemon.not_ready().starts_with("the active manifest cannot be used: manifest: /"));
    }
    Daemon daemon(world);
    REQUIRE(daemon.start());
    REQUIRE(daemon.down(true));
    CHECK(guards(world, "eth1"));
    world.guard.reset();
    REQUIRE(Daemon(world).start()); // the kept guard is that of the newer manifest
    CHECK(guards(world, "eth1"));
}

TEST_CASE("damaged state: after a manifest that was not confirmed, one that cannot be read is stored again") {
    Rebooted node;
    auto &world = node.world;
    world.manifest = newer_manifest();
    Daemon daemon(world);
    REQUIRE(daemon.start());
    REQUIRE(daemon.apply(manifest_text({"eth2"}), confirm_within(std::chrono::seconds(60))));
    CHECK_FALSE(guards(world, "eth1"));
    world.now += std::chrono::seconds(60);
    daemon.expire_confirmation();
    CHECK_FALSE(world.maps);
    CHECK(guards(world, "eth1"));
    CHECK_FALSE(guards(world, "eth2"));
    CHECK(world.manifest == newer_manifest());
    CHECK(daemon.not_ready().starts_with("the active manifest cannot be used: manifest: /"));
}

TEST_CASE("damaged state: an interface that this version cannot read is guarded as it was") {
    FakeWorld world;
    {
        Daemon daemon(world);
        REQUIRE(daemon.start(manifest_text({"eth1", "eth2"})));
    }
    if (GENERATE(false, true)) { // else the guard stands
        world.maps.reset();
        world.attached.clear();
        world.guard.reset();
    }
    auto newer = nlohmann::json::parse(newer_manifest());
    newer["endpoints"][0]["interfaces"] = {{{"device", "eth1"}}, "eth2"};
    world.manifest = newer.dump();
    Daemon boot(world);
    REQUIRE(install_boot_guard(boot.ports, std::nullopt));
    CHECK(guards(world, "eth1"));
    CHECK(guards(world, "eth2"));
    Daemon daemon(world);
    REQUIRE(daemon.start());
    CHECK(guards(world, "eth1"));
    CHECK(guards(world, "eth2"));
    REQUIRE(daemon.apply(manifest_text({"eth2"}))); // the operator knows what the node has now
    CHECK_FALSE(guards(world, "eth1"));
    world.check_invariants();
}

TEST_CASE("damaged state: the devices of the stored manifest are known while another one replaces it") {
    FakeWorld world;
    Daemon daemon(world);
    REQUIRE(daemon.start(manifest_text({"eth1", "eth2"})));
    world.operation.hook = [&](const std::string &name) {
        if (name == "state.save_manifest") {
            CHECK(world.values.at(devices_key).contains("eth1"));
            CHECK(world.values.at(devices_key).contains("eth2"));
        }
    };
    REQUIRE(daemon.apply(manifest_text({"eth2"})));
    CHECK_FALSE(world.values.at(devices_key).contains("eth1"));
    CHECK(world.values.at(devices_key).contains("eth2"));
}

TEST_CASE("damaged state: a bpffs or data path that cannot be used does not prevent the guard") {
    for (const std::string step : {"datapath.lock", "datapath.inspect", "datapath.load", "datapath.attach"}) {
        INFO(step);
        Rebooted node;
        auto &world = node.world;
        world.operation.fail_named = step;
        Daemon boot(world);
        REQUIRE(install_boot_guard(boot.ports, std::nullopt));
        CHECK(guards(world, "eth1"));
        world.guard.reset();
        Daemon daemon(world);
        REQUIRE(daemon.start());
        CHECK(guards(world, "eth1"));
        CHECK(daemon.state.installed.guard);
        CHECK(daemon.not_ready() == "fault at " + step);
        world.guard.reset();
        daemon.refresh();
        REQUIRE(daemon.roles.reconciler.check_guard());
        CHECK(guards(world, "eth1"));
        world.operation.restart();
        daemon.refresh();
        CHECK(daemon.not_ready().empty());
        world.check_invariants();
    }
}

TEST_CASE("damaged state: a disk that cannot be written does not prevent guard and data path") {
    Rebooted node;
    auto &world = node.world;
    world.operation.fail_named = "state.";
    world.values = nlohmann::json::object(); // damaged
    Daemon daemon(world);
    REQUIRE(daemon.start());
    CHECK(guards(world, "eth1"));
    CHECK(daemon.not_ready().empty());
    world.check_invariants();
}

TEST_CASE("guard of another daemon: a manifest is refused before anything is changed, and down leaves it") {
    FakeWorld world;
    Daemon daemon(world);
    REQUIRE(daemon.start());
    world.guard_of_other = "node-a";
    world.operation.restart();
    for (const bool dry_run : {true, false}) {
        ApplyOptions options;
        options.dry_run = dry_run;
        const auto refused = daemon.apply(manifest_text(), options);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code == EBUSY);
        CHECK(refused.error().message == "the guard belongs to node-a");
    }
    CHECK(world.operation.names == std::vector<std::string>{"network.read", "network.read"});
    const auto down = daemon.down();
    REQUIRE(down);
    CHECK(down->guard_left == "the guard belongs to node-a");
    CHECK_FALSE(down->guard_kept);
    CHECK(world.guard_of_other == "node-a");
    CHECK(std::ranges::count(world.operation.names, "guard.remove") == 0);
}

TEST_CASE("guard of another daemon: a stored manifest is not ready and names it") {
    Rebooted node;
    node.world.guard_of_other = "node-a";
    Daemon daemon(node.world);
    REQUIRE(daemon.start());
    CHECK(daemon.not_ready() == "the guard belongs to node-a");
    CHECK_FALSE(daemon.state.installed.guard);
    CHECK(node.world.attached.empty());
    CHECK_FALSE(install_boot_guard(daemon.ports, std::nullopt));
    node.world.guard_of_other.reset();
    daemon.refresh();
    CHECK(daemon.not_ready().empty());
    CHECK(guards(node.world, "eth1"));
}

TEST_CASE("failed first change: what it left is removed at a later tick") {
    for (const std::string step : {"guard.remove", "datapath.remove_pins"}) {
        INFO(step);
        FakeWorld world;
        Daemon daemon(world);
        REQUIRE(daemon.start());
        world.operation.hook = [&](const std::string &name) {
            if (name == "datapath.attach")
                world.operation.fail_named = "datapath.attach";
            else if (name == step)
                world.operation.fail_named = step;
        };
        REQUIRE_FALSE(daemon.apply(manifest_text()));
        world.operation.hook = nullptr;
        world.operation.restart();
        CHECK(daemon.not_ready() == "fault at " + step);
        daemon.run([&]() -> Task<bool> {
            co_await daemon.roles.changes.retry_without_manifest();
            co_return true;
        });
        CHECK_FALSE(world.guard);
        CHECK_FALSE(world.maps);
        CHECK(daemon.not_ready() == "waiting for a manifest: glbctl apply FILE");
        REQUIRE(daemon.apply(manifest_text()));
    }
}

} // namespace glb::test
