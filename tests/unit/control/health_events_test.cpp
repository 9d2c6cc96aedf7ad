// What the control thread does about events of the health thread.
#include <catch2/catch.hpp>

#include <algorithm>

#include "tests/unit/control/running_daemon.h"

namespace glb::test {

namespace {

const auto target_address = *IpAddress::parse("192.0.2.10");

/// The network changes without a notification; fulfilled once the bank follows in a reconciliation that is not
/// periodic.
struct MovedNeighbour {
    std::promise<void> promise;
    enum { waiting, moved, followed } state = waiting; ///< used by the hook alone

    explicit MovedNeighbour(FakeWorld &world) {
        world.operation.hook = [this, &world](const std::string &name) {
            if (state == waiting && name == "datapath.raise_route_generation") {
                world.network.neighbours[0].mac.bytes[5] = 99;
                state = moved;
            } else if (state == moved && name == "datapath.flip") {
                state = followed;
                promise.set_value();
            }
        };
    }
    bool wait() {
        return promise.get_future().wait_for(std::chrono::seconds(10)) == std::future_status::ready;
    }
};

bool has_punt_path(const RunningDaemon &daemon, const std::string &interface) {
    return daemon.control.snapshots().load()->interfaces.at(interface).has_punt_path;
}

} // namespace

TEST_CASE("event: a missing next hop is resolved") {
    FakeWorld world;
    RunningDaemon daemon(world);
    daemon.deliver(health::NextHopMissing{3, *IpAddress::parse("198.51.100.1")});
    daemon.control.stop();
    CHECK(daemon.network.resolved == std::vector{*IpAddress::parse("198.51.100.1")});
    CHECK(daemon.network.forced.empty());
}

TEST_CASE("event: the next hop of a target that does not answer is resolved anew") {
    FakeWorld world;
    RunningDaemon daemon(world);
    daemon.deliver(health::TargetUnanswered{target_address});
    daemon.control.stop();
    CHECK(daemon.network.forced == std::vector{target_address});
    CHECK(daemon.network.resolved.empty());
}

TEST_CASE("event: after an unexpected source MAC the neighbour is resolved, and the bank follows") {
    FakeWorld world;
    MovedNeighbour neighbour(world);
    RunningDaemon daemon(world);
    daemon.deliver(health::SenderMacMismatch{target_address});
    CHECK(neighbour.wait());
    daemon.control.stop();
    CHECK(daemon.network.forced == std::vector{target_address});
}

TEST_CASE("event: for a target that wants a path, the bank follows the neighbours") {
    FakeWorld world;
    MovedNeighbour neighbour(world);
    RunningDaemon daemon(world);
    daemon.deliver(health::TargetPathWanted{"fw/fw-10"});
    CHECK(neighbour.wait());
}

TEST_CASE("event: an interface without XDP metadata has no punt path, until its mode changes") {
    FakeWorld world;
    RunningDaemon daemon(world, manifest_text({"eth1", "eth2"}));
    daemon.deliver(health::DriverLacksMetadata{99}); // exists no longer
    CHECK(has_punt_path(daemon, "eth1"));
    for (int i = 0; i < 2; ++i) {
        daemon.deliver(health::DriverLacksMetadata{3});
        CHECK_FALSE(has_punt_path(daemon, "eth1"));
        CHECK(has_punt_path(daemon, "eth2"));
    }
    auto manifest = nlohmann::json::parse(manifest_text({"eth1", "eth2"}));
    manifest["node"]["xdpMode"] = "generic";
    REQUIRE(daemon.apply(manifest.dump()).get());
    CHECK(has_punt_path(daemon, "eth1"));
}

TEST_CASE("event: packets without a complete checksum are a warning with interface, endpoint and fix") {
    FakeWorld world;
    RunningDaemon daemon(world);
    const auto warnings = [&] { return daemon.apply(manifest_text()).get().value().warnings; };
    CHECK(warnings().empty());
    for (std::size_t i = 0; i < control::TxOffloadWatch::reports_needed; ++i)
        daemon.deliver(health::ChecksumMissing{3, 0});
    const auto found = warnings();
    REQUIRE(found.size() == 1);
    CHECK(found[0] ==
          "eth1: packets of endpoint web arrive without a complete TCP or UDP checksum, which a "
          "virtual device of their sender leaves out: appliances and hosts drop them; fix: at the "
          "sender (the far end of eth1, or a virtual machine): ethtool -K DEV tx off");
}

TEST_CASE("event: the index of a removed target is retired once its drain has ended") {
    FakeWorld world;
    RunningDaemon daemon(world);
    REQUIRE(daemon.apply(manifest_text({"eth1"}, {11})).get());
    const auto indexes = daemon.control.snapshots().load()->indexes;
    const auto index = indexes->find(plan::IndexKind::target, "fw/fw-10");
    REQUIRE(index);
    CHECK(indexes->retired(plan::IndexKind::target).empty());
    daemon.deliver(health::TargetsRemoved{{{"fw/fw-10", *index}}});
    const auto after = daemon.control.snapshots().load()->indexes;
    CHECK(after->retired(plan::IndexKind::target) == std::vector<std::string>{"fw/fw-10"});
    CHECK(after->find(plan::IndexKind::target, "fw/fw-10") == index); // flows may refer to it
    daemon.control.stop();
    REQUIRE(world.maps);
    CHECK(world.maps->bank->targets[*index].destination == 0);
    world.check_invariants();
}

} // namespace glb::test
