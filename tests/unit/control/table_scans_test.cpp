// Scans of the flow table: an index is free once no flow refers to it, and health learns how many do.
#include <catch2/catch.hpp>

#include <algorithm>
#include <linux/neighbour.h>

#include "tests/unit/control/fake_flow_table.h"
#include "tests/unit/control/node_fixture.h"

namespace glb::test {

namespace {

using namespace plan;
using namespace std::chrono_literals;

/// Endpoint "web" with group "fw", and "db" with group "ids".
std::string two_endpoints() {
    auto manifest = nlohmann::json::parse(manifest_text({"eth1"}, {10, 11}));
    auto other = nlohmann::json::parse(manifest_text({"eth2"}, {15}));
    other["endpoints"][0].update({{"name", "db"}, {"id", "0x2"}, {"targetGroup", "ids"}});
    other["targetGroups"][0]["name"] = "ids";
    manifest["endpoints"].push_back(other["endpoints"][0]);
    manifest["targetGroups"].push_back(other["targetGroups"][0]);
    return manifest.dump();
}

/// A daemon whose flow table can be scanned.
struct ScannedNode {
    FakeFlowTable table;
    FakeWorld world;
    Daemon daemon{world};

    explicit ScannedNode(const std::string &manifest) {
        daemon.datapath.mapped = table.handles;
        REQUIRE(daemon.start(manifest));
    }
    /// Index of a name that has one.
    std::uint16_t index(IndexKind kind, const std::string &name) {
        const auto found = find(kind, name);
        INFO(name);
        REQUIRE(found);
        return *found;
    }
    std::optional<std::uint16_t> find(IndexKind kind, const std::string &name) {
        return daemon.state.installed.allocation->indexes.find(kind, name);
    }
    void put(std::uint32_t slot, std::uint16_t endpoint, std::uint16_t target) {
        table.put(slot, endpoint, target, daemon.clock.ticks());
    }
    /// A scan, once the pause after the last one is over.
    void scan() {
        world.now += 2s;
        begin_scan();
    }
    void begin_scan() {
        daemon.run([&]() -> control::Task<bool> {
            daemon.roles.scans.check();
            co_return true;
        });
    }
    /// Removes fw-10; flows may be steered by the group's previous table for some time.
    void remove_target() {
        daemon.health.drain_removed();
        REQUIRE(daemon.apply(manifest_text({"eth1"}, {11})));
    }
    /// As the control thread does where the drain has ended.
    void end_drain() {
        daemon.health.end_drain("fw/fw-10");
        auto allocation = *daemon.state.installed.allocation;
        allocation.indexes.retire(IndexKind::target, "fw/fw-10");
        daemon.state.installed.allocation = std::make_shared<const Allocation>(std::move(allocation));
        daemon.refresh();
    }
    void close_window() {
        world.now += 400s;
        daemon.refresh();
    }
};

} // namespace

TEST_CASE("scan: health is given the live flows of each target") {
    ScannedNode node(manifest_text());
    const auto first = node.index(IndexKind::target, "fw/fw-10");
    const auto second = node.index(IndexKind::target, "fw/fw-11");
    for (std::uint32_t slot : {0u, 7u, (1u << 16) - 1})
        node.put(slot, 0, first);
    node.put(3, 0, second);
    node.scan();
    REQUIRE(node.daemon.health.flow_counts.size() == 1);
    auto counts = node.daemon.health.flow_counts[0];
    CHECK(counts[first] == 3);
    CHECK(counts[second] == 1);
    node.table.remove(7);
    node.world.now += 351s; // the TCP idle timeout
    node.put(3, 0, second);
    node.scan();
    counts = node.daemon.health.flow_counts.at(1);
    CHECK(counts[first] == 0);
    CHECK(counts[second] == 1);
}

TEST_CASE("scan: the next one begins after a pause") {
    ScannedNode node(manifest_text());
    node.begin_scan();
    node.world.now += 1999ms;
    node.begin_scan();
    CHECK(node.daemon.health.flow_counts.size() == 1);
    node.world.now += 1ms;
    node.begin_scan();
    CHECK(node.daemon.health.flow_counts.size() == 2);
}

TEST_CASE("scan: a target's index is released once it has drained, its window is over and it has no flows") {
    ScannedNode node(manifest_text());
    const auto index = node.index(IndexKind::target, "fw/fw-10");
    node.put(5, 0, index);
    node.remove_target();
    node.scan();
    CHECK(node.find(IndexKind::target, "fw/fw-10") == index); // drains
    node.end_drain();
    node.table.remove(5);
    node.scan();
    CHECK(node.find(IndexKind::target, "fw/fw-10") == index); // the previous table still names it
    node.close_window();
    node.put(5, 0, index);
    node.scan();
    CHECK(node.find(IndexKind::target, "fw/fw-10") == index); // has a flow
    node.table.remove(5);
    node.scan();
    CHECK_FALSE(node.find(IndexKind::target, "fw/fw-10"));
    node.daemon.refresh(true);
    CHECK(node.world.maps->names[GLB_INDEX_NAMES_TARGETS + index].empty());
    CHECK(node.find(IndexKind::target, "fw/fw-11")); // never retired
    REQUIRE(node.daemon.apply(manifest_text({"eth1"}, {11, 12})));
    CHECK(node.index(IndexKind::target, "fw/fw-12") == index);
    node.world.check_invariants();
}

TEST_CASE(
    "scan: an endpoint's index is released once no flow refers to it, its group's with the last target") {
    ScannedNode node(two_endpoints());
    const auto endpoint = node.index(IndexKind::endpoint, "db");
    const auto group = node.index(IndexKind::group, "ids");
    const auto place = node.daemon.state.installed.allocation->generations.row(group).table;
    REQUIRE(node.world.maps->maglev.contains(place));
    node.put(9, endpoint, node.index(IndexKind::target, "fw/fw-10"));
    node.daemon.health.drain_removed();
    REQUIRE(node.daemon.apply(manifest_text()));
    node.scan();
    CHECK(node.find(IndexKind::endpoint, "db") == endpoint);
    CHECK(node.find(IndexKind::group, "ids") == group); // its target drains
    node.table.remove(9);
    node.daemon.health.end_drain("ids/fw-15");
    node.scan();
    CHECK_FALSE(node.find(IndexKind::endpoint, "db"));
    CHECK_FALSE(node.find(IndexKind::group, "ids"));
    CHECK(node.find(IndexKind::endpoint, "web"));
    CHECK(node.find(IndexKind::group, "fw"));
    node.daemon.refresh();
    CHECK_FALSE(node.world.maps->maglev.contains(place));
    CHECK(node.world.maps->names[GLB_INDEX_NAMES_GROUPS + group].empty());
    node.world.check_invariants();
}

TEST_CASE("scan: while flows migrate, neither targets nor endpoints are released") {
    ScannedNode node(two_endpoints());
    node.remove_target();
    node.end_drain();
    node.close_window();
    node.world.operation.hook = [&](const std::string &name) {
        if (name == "migration.copy")
            node.daemon.begin([&]() -> control::Task<bool> {
                node.daemon.roles.scans.check();
                co_return true;
            });
    };
    REQUIRE(node.daemon.apply(manifest_text({"eth1"}, {11}, 1u << 17)));
    CHECK(node.daemon.datapath.capacity() == 1u << 17);
    CHECK(node.daemon.health.flow_counts.size() == 1);
    CHECK(node.find(IndexKind::target, "fw/fw-10"));
    CHECK(node.find(IndexKind::endpoint, "db"));
    node.scan();
    CHECK_FALSE(node.find(IndexKind::target, "fw/fw-10"));
    CHECK_FALSE(node.find(IndexKind::endpoint, "db"));
}

TEST_CASE("scan: what it found is void after a change that came meanwhile") {
    ScannedNode node(two_endpoints());
    node.daemon.run(
        [&]() -> control::Task<bool> { // the change has the next turn, and the scan the one after it
            node.daemon.begin([&] { return node.daemon.roles.changes.apply(manifest_text(), {}); });
            node.daemon.roles.scans.check();
            co_return true;
        });
    CHECK(node.world.manifest == manifest_text());
    CHECK(node.daemon.health.flow_counts.empty());
    CHECK(node.find(IndexKind::endpoint, "db"));
    node.scan();
    CHECK(node.daemon.health.flow_counts.size() == 1);
    CHECK_FALSE(node.find(IndexKind::endpoint, "db"));
}

TEST_CASE("scan: a stale neighbour that flows use as next hop is resolved") {
    ScannedNode node(manifest_text());
    auto &neighbours = node.world.network.neighbours;
    for (auto *neighbour : {&neighbours[0], &neighbours[1]})
        neighbour->state = NUD_STALE;
    node.daemon.refresh();
    const auto hops = node.daemon.datapath.next_hops();
    const auto hop = hops.find({neighbours[0].ifindex, neighbours[0].mac});
    REQUIRE(hop != hops.end());
    node.put(5, 0, 0);
    node.world.now += 60s;
    node.table.use_next_hop(5, hop->second, node.daemon.clock.ticks());
    node.scan();
    CHECK(node.daemon.network.resolved == std::vector{neighbours[0].address});
    node.daemon.network.resolved.clear();
    node.world.now += 31s; // used longer ago
    node.scan();
    CHECK(node.daemon.network.resolved.empty());
}

} // namespace glb::test
