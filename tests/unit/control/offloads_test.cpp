// Offloads that down turns on again.
#include <catch2/catch.hpp>

#include "controller/control/offloads.h"
#include "tests/unit/control/node_fixture.h"

namespace glb::test {

TEST_CASE("offloads: one that down cannot turn on again stays recorded, and is restored by the next") {
    FakeWorld world;
    world.offloads["eth1"].insert(network::OffloadFeature::rx_vlan);
    Daemon daemon(world);
    REQUIRE(daemon.start(manifest_text()));
    CHECK_FALSE(world.offloads["eth1"].contains(network::OffloadFeature::rx_vlan));
    world.operation.restart();
    world.operation.fail_named = "network.set_offload";
    REQUIRE(daemon.down());
    world.operation.restart();
    CHECK(world.values.contains(control::offloads_key));
    REQUIRE(daemon.down());
    CHECK(world.offloads["eth1"].contains(network::OffloadFeature::rx_vlan));
    CHECK_FALSE(world.values.contains(control::offloads_key));
}

} // namespace glb::test
