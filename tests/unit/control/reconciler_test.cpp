// A change is one snapshot, one plan, one transaction, in an order that keeps traffic guarded.
#include <catch2/catch.hpp>

#include <algorithm>

#include "tests/unit/control/node_fixture.h"

namespace glb::test {

namespace {

/// Position of the first operation with this name; fails where there is none.
std::size_t position(const std::vector<std::string> &names, const std::string &name) {
    const auto found = std::ranges::find(names, name);
    INFO(name);
    REQUIRE(found != names.end());
    return static_cast<std::size_t>(found - names.begin());
}

void check_order(const std::vector<std::string> &names, const std::vector<std::string> &order) {
    std::vector<std::size_t> positions;
    for (const auto &name : order)
        positions.push_back(position(names, name));
    INFO(Catch::StringMaker<std::vector<std::string>>::convert(names));
    CHECK(std::ranges::is_sorted(positions));
}

/// Left by a daemon of another version, with traffic on its maps.
void run_older_version(FakeWorld &world) {
    REQUIRE(Daemon(world).start(manifest_text()));
    world.older_maps = std::exchange(world.maps, std::nullopt);
    world.operation.restart();
}

} // namespace

TEST_CASE("the first manifest: guard, load, states, attach, store, bank") {
    FakeWorld world;
    Daemon daemon(world);
    REQUIRE(daemon.start());
    world.operation.restart();
    const auto result = daemon.apply(manifest_text());
    REQUIRE(result);
    REQUIRE(result->errors.empty());
    check_order(world.operation.names,
                {"guard.install", "datapath.load", "guard.set_magic", "datapath.set_index_name",
                 "datapath.put_maglev", "health.set_target_state", "datapath.attach", "datapath.sync_egress",
                 "state.save_manifest", "datapath.flip", "datapath.sync_next_hops"});
    world.check_invariants();
    CHECK(world.manifest == manifest_text());
    CHECK(world.maps->epoch == 1);
    CHECK(visible(world).targets.size() == 2);
    CHECK(daemon.not_ready().empty());
    CHECK_FALSE(world.offloads["eth1"].contains(network::OffloadFeature::rx_vlan));
}

TEST_CASE("a change reads the network once") {
    FakeWorld world;
    Daemon daemon(world);
    REQUIRE(daemon.start(manifest_text()));
    const auto reads = daemon.network.reads;
    REQUIRE(daemon.apply(manifest_text({"eth1", "eth2"}, {10, 12})));
    CHECK(daemon.network.reads == reads + 1);
}

TEST_CASE("an interface that leaves the manifest is guarded until it is detached") {
    FakeWorld world;
    Daemon daemon(world);
    REQUIRE(daemon.start(manifest_text({"eth1", "eth2"})));
    world.operation.restart();
    REQUIRE(daemon.apply(manifest_text({"eth1"})));
    const auto &names = world.operation.names;
    const auto narrowed = std::find(names.rbegin(), names.rend(), "guard.install");
    REQUIRE(narrowed != names.rend());
    CHECK(position(names, "datapath.detach") < static_cast<std::size_t>(names.rend() - narrowed) - 1);
    CHECK(world.attached.size() == 2); // the tunnel and eth1
    CHECK(std::ranges::none_of(world.guard->ports,
                               [](const plan::GuardedPort &port) { return port.interface == "eth2"; }));
}

TEST_CASE("an unchanged manifest writes nothing but its text") {
    FakeWorld world;
    Daemon daemon(world);
    REQUIRE(daemon.start(manifest_text()));
    world.operation.restart();
    REQUIRE(daemon.apply(manifest_text()));
    for (const auto &name : world.operation.names) {
        INFO(name);
        CHECK_FALSE(name.starts_with("datapath.flip"));
        CHECK_FALSE(name.starts_with("datapath.put_maglev"));
        CHECK_FALSE(name.starts_with("datapath.set_index_name"));
        CHECK_FALSE(name.starts_with("health."));
        CHECK_FALSE(name.starts_with("guard.install"));
    }
    CHECK(world.maps->epoch == 1);
}

TEST_CASE("a neighbour that gets another MAC changes the bank without an epoch") {
    FakeWorld world;
    Daemon daemon(world);
    REQUIRE(daemon.start(manifest_text()));
    const auto before = *world.maps;
    world.network.neighbours[0].mac.bytes[5] = 99;
    daemon.refresh();
    CHECK(world.maps->epoch == before.epoch);
    CHECK(world.maps->route_generation == before.route_generation + 1);
    CHECK_FALSE(control::is_same_bank(*world.maps->bank, *before.bank));
}

TEST_CASE("a restart takes over indexes, tables and failures, and begins no epoch") {
    FakeWorld world;
    {
        Daemon daemon(world);
        REQUIRE(daemon.start(manifest_text()));
        REQUIRE(daemon.apply(manifest_text({"eth1"}, {11, 12})));
        daemon.health.verdict("fw/fw-11", false);
    }
    const auto before = *world.maps;
    world.operation.restart();
    Daemon daemon(world);
    REQUIRE(daemon.start());
    CHECK(world.maps->epoch == before.epoch);
    CHECK(world.maps->names == before.names);
    CHECK(world.maps->target_states == before.target_states);
    CHECK(world.maps->bank->groups[0].table == before.bank->groups[0].table);
    CHECK(std::ranges::count(world.operation.names, "datapath.put_maglev") == 0);
    CHECK(daemon.not_ready().empty());
}

TEST_CASE("a missing interface is attached when it appears") {
    FakeWorld world;
    const auto eth2 = world.network.links.back();
    Daemon daemon(world);
    REQUIRE(daemon.start(manifest_text({"eth1", "eth2"})));
    world.network.links.pop_back();
    world.attached.erase(eth2.index);
    daemon.refresh();
    CHECK(daemon.not_ready() == "interface eth2 does not exist");
    world.network.links.push_back(eth2);
    daemon.refresh();
    CHECK(daemon.not_ready().empty());
    CHECK(world.attached.contains(eth2.index));
}

TEST_CASE("an upgrade moves the flows after the new maps are filled") {
    FakeWorld world;
    run_older_version(world);
    Daemon daemon(world);
    REQUIRE(daemon.start());
    check_order(world.operation.names, {"datapath.load", "datapath.flip", "migration.copy", "migration.swap",
                                        "migration.catch_up", "migration.finish"});
    CHECK_FALSE(world.older_maps);
    CHECK(daemon.not_ready().empty());
}

TEST_CASE("an upgrade that fails leaves the older data path active, and is tried again later") {
    const std::string step = GENERATE("datapath.load", "migration.copy", "migration.swap");
    FakeWorld world;
    run_older_version(world);
    world.operation.fail_named = step;
    Daemon daemon(world);
    REQUIRE(daemon.start());
    INFO(step);
    CHECK(world.older_maps);
    CHECK(daemon.not_ready().find("fault at " + step) != std::string::npos);
    world.operation.restart();
    daemon.refresh(true);
    CHECK(std::ranges::count(world.operation.names, "datapath.load") == 0);
    world.now += std::chrono::seconds(31);
    daemon.refresh(true);
    CHECK_FALSE(world.older_maps);
    CHECK(daemon.not_ready().empty());
}

TEST_CASE("once the links are swapped, an upgrade is only ever finished") {
    const std::string step = GENERATE("migration.catch_up", "migration.finish");
    FakeWorld world;
    run_older_version(world);
    world.operation.fail_named = step;
    Daemon daemon(world);
    REQUIRE(daemon.start());
    CHECK_FALSE(world.older_maps);
    CHECK_FALSE(daemon.not_ready().empty());
    world.operation.restart();
    daemon.refresh(true);
    CHECK(std::ranges::count(world.operation.names, "migration.undo") == 0);
    CHECK(std::ranges::count(world.operation.names, "migration.copy") == 0);
    CHECK(daemon.not_ready().empty());
}

TEST_CASE("a node that cannot write target states is not ready") {
    FakeWorld world;
    Daemon daemon(world);
    REQUIRE(daemon.start(manifest_text()));
    const auto reason = [&] {
        return control::node_snapshot(daemon.state, daemon.ports,
                                      daemon.roles.reconciler.attached_interfaces())
            ->not_ready_reason;
    };
    CHECK(reason().empty());
    daemon.health.report_write_error("glb_target_state: no space left");
    CHECK(reason() ==
          "target states cannot be written, retried every second: glb_target_state: no space left");
    daemon.health.report_write_error("");
    CHECK(reason().empty());
}

} // namespace glb::test
