// What apply reports of the host, without a plan of the change.
#include <catch2/catch.hpp>

#include "tests/unit/control/node_fixture.h"

namespace glb::test {

TEST_CASE("apply: devices of the manifest that do not forward are warnings, on a dry run too") {
    FakeWorld world;
    Daemon daemon(world);
    REQUIRE(daemon.start(manifest_text({"eth1"})));
    world.not_forwarding = {"eth2", "eth3"};
    world.operation.restart();
    control::ApplyOptions dry_run;
    dry_run.dry_run = true;
    const auto proposed = daemon.apply(manifest_text({"eth1", "eth2"}), dry_run);
    REQUIRE(proposed);
    CHECK(proposed->warnings == std::vector<std::string>{"eth2: forwarding is off"});
    CHECK(world.operation.names == std::vector<std::string>{"network.read"});
    CHECK(world.manifest == manifest_text({"eth1"}));

    const auto applied = daemon.apply(manifest_text({"eth1", "eth2"}));
    REQUIRE(applied);
    CHECK(applied->warnings == proposed->warnings);
    const auto narrowed = daemon.apply(manifest_text({"eth1"}));
    REQUIRE(narrowed);
    CHECK(narrowed->warnings.empty());
}

TEST_CASE("counters: their beginning is that of their maps, which a restart keeps and down ends") {
    FakeWorld world;
    {
        Daemon daemon(world);
        REQUIRE(daemon.start(manifest_text()));
        CHECK(world.values.at(control::counters_since_key).get<std::string>().ends_with("Z"));
        world.values[control::counters_since_key] = "long ago";
    }
    Daemon daemon(world);
    REQUIRE(daemon.start());
    const auto since = [&] {
        return node_snapshot(daemon.state, daemon.ports, daemon.roles.reconciler.attached_interfaces())
            ->counters_since;
    };
    CHECK(since() == "long ago");
    REQUIRE(daemon.down());
    CHECK(since().empty());
    REQUIRE(daemon.apply(manifest_text()));
    CHECK_FALSE(since().empty());
    CHECK(since() != "long ago");
}

TEST_CASE("apply: a device that the node has seen before is checked although it does not exist now") {
    FakeWorld world;
    Daemon daemon(world);
    REQUIRE(daemon.start(manifest_text({"eth1"})));
    world.values["devices"]["eth1"] = {"br0"};
    world.not_forwarding = {"br0"};
    std::erase_if(world.network.links, [](const auto &link) { return link.name == "eth1"; });
    const auto devices =
        plan::receiving_device_names(*daemon.state.desired.manifest, world.network, world.values["devices"]);
    CHECK(devices == std::set<std::string>{"br0", "eth0", "eth1"});
}

} // namespace glb::test
