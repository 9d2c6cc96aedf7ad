// HealthEngine: drains, paths to targets, and events of the data path.
#include "tests/unit/health/engine_fixture.h"

#include <cstring>
#include <optional>

#include "tests/unit/health/fake_appliance.h"
#include "tests/unit/health/scripted_server.h"

using namespace glb;
using namespace glb::health;
using namespace glb::test;

namespace {

glb_event event_from(glb_event_kind kind, const IpAddress &sender) {
    glb_event event{};
    event.kind = kind;
    event.family = 4;
    event.address[0] = sender.v4_network_order();
    return event;
}

/// A TCP server on loopback that the engine probes as the initial target g/a, without a path to it.
struct PathFixture : EngineFixture {
    std::optional<ScriptedServer> server{
        std::in_place, loop, [](tcp::socket &peer) -> Awaitable { co_await wait_until_closed(peer); }};

    [[nodiscard]] HealthConfig config(std::uint64_t generation) const {
        auto made = engine_config(generation, {"a"});
        auto &group = made.groups[0];
        group.targets[0].address = *IpAddress::parse("127.0.0.1");
        group.probe.protocol = ProbeKind::tcp;
        group.probe.port = port_;
        group.probe.interval = 20ms;
        group.probe.timeout = 10s;
        group.policy.unhealthy_threshold = 100000;
        group.on_all_unhealthy = config::AllUnhealthyPolicy::drop;
        return made;
    }
    bool wait_for_path_wanted() {
        events.clear();
        return run_until([&] { return !events_of<TargetPathWanted>().empty(); });
    }

  private:
    std::uint16_t port_ = server->port();
};

} // namespace

TEST_CASE("engine: drain and undrain write the target's state and return the deadline", "[engine]") {
    EngineFixture it;
    it.apply_healthy();
    const auto begun = it.engine.drain("g/b", false);
    REQUIRE(begun);
    CHECK_FALSE(*begun);
    CHECK(it.port->maps.targets.at(1) == keep_all);
    CHECK(it.state("g/b") == TargetState::draining); // published at once
    const auto until = it.target("g/b").operator_drain_until;
    REQUIRE(until);
    CHECK(it.engine.snapshot()->persisted.operator_drains.at("g/b") == *until);

    const auto again = it.engine.drain("g/b", false, *until + 1h);
    REQUIRE(again);
    CHECK(*again == until);
    CHECK(it.target("g/b").operator_drain_until == until);

    const auto ended = it.engine.undrain("g/b");
    REQUIRE(ended);
    CHECK(*ended == until);
    CHECK(it.port->maps.targets.at(1) == accept_all);
    CHECK(it.state("g/b") == TargetState::healthy);
    CHECK_FALSE(*it.engine.undrain("g/b"));
    CHECK(it.wrong_rows("g/a").empty());
}

TEST_CASE("engine: drain and undrain are undone with the deadlines that they return", "[engine]") {
    EngineFixture it;
    it.apply_healthy();
    const auto until = std::chrono::steady_clock::now() + 1h;
    REQUIRE(it.engine.drain("g/b", false, until));
    const auto ended = it.engine.undrain("g/b");
    REQUIRE(ended);
    REQUIRE(*ended);
    REQUIRE(it.engine.drain("g/b", true, **ended)); // undoes undrain
    CHECK(it.target("g/b").operator_drain_until == until);
    CHECK(it.port->maps.targets.at(1) == keep_all);
    REQUIRE(it.engine.undrain("g/b")); // undoes drain
    CHECK_FALSE(it.target("g/b").operator_drain_until);
    CHECK(it.port->maps.targets.at(1) == accept_all);
}

TEST_CASE("engine: drain of unknown, removed and last targets fails", "[engine]") {
    EngineFixture it;
    it.apply_healthy();
    it.apply(engine_config(2, {"a", "b"}));
    CHECK(code_of(it.engine.drain("g/z", false)) == ENOENT);
    CHECK(code_of(it.engine.undrain("g/z")) == ENOENT);
    CHECK(code_of(it.engine.drain("g/c", false)) == ENOENT);
    REQUIRE(it.engine.drain("g/a", false));
    CHECK(code_of(it.engine.drain("g/b", false)) == EBUSY);
    CHECK(it.state("g/b") == TargetState::healthy);
    CHECK(it.port->maps.targets.at(1) == accept_all);
    REQUIRE(it.engine.drain("g/b", true));
    CHECK(it.port->maps.targets.at(1) == keep_all);
}

TEST_CASE("engine: the deadline of a drain takes effect without other input", "[engine]") {
    EngineFixture it;
    it.apply_healthy();
    REQUIRE(it.engine.drain("g/b", false, std::chrono::steady_clock::now() + 10ms));
    CHECK(it.port->maps.targets.at(1) == keep_all);
    REQUIRE(it.run_until([&] { return it.port->maps.targets.at(1) == 0; }));
}

TEST_CASE("engine: a drain between stage and commit applies to the staged configuration", "[engine]") {
    EngineFixture it;
    it.apply_healthy();
    REQUIRE(it.engine.stage(engine_config(2, {"a", "b", "c", "d"})));
    REQUIRE(it.engine.drain("g/b", false));
    REQUIRE(it.engine.commit(2, {}));
    CHECK(it.state("g/b") == TargetState::draining);
    CHECK(it.target("g/b").operator_drain_until);
    CHECK(it.wrong_rows("g/a").empty());
}

TEST_CASE("engine: removed targets are reported once they have no flows, with their final state",
          "[engine]") {
    EngineFixture it;
    it.apply_healthy();
    it.apply(engine_config(2, {"a"}));
    it.engine.on_flow_counts({5, 1, 1});
    CHECK(it.events.empty());
    it.engine.on_flow_counts({5, 0, 1});
    auto removed = it.events_of<TargetsRemoved>();
    REQUIRE(removed.size() == 1);
    REQUIRE(removed[0].targets.size() == 1);
    CHECK(removed[0].targets[0].name == "g/b");
    CHECK(removed[0].targets[0].index == 1);
    CHECK(removed[0].targets[0].flows == 0);
    CHECK(it.port->maps.targets.at(1) == 0);
    CHECK_FALSE(it.engine.snapshot()->find("g/b"));
    CHECK(it.engine.snapshot()->find("g/c"));
    it.engine.on_flow_counts({5}); // no flows of c
    removed = it.events_of<TargetsRemoved>();
    REQUIRE(removed.size() == 2);
    CHECK(removed[1].targets.at(0).name == "g/c");
    CHECK(it.wrong_rows("g/a").empty());
}

TEST_CASE("engine: the policy of an expired drain is the final state of its target", "[engine]") {
    EngineFixture it;
    it.restore_healthy({"g/a", "g/b"});
    auto config = engine_config(1, {"a", "b"});
    config.groups[0].on_deregistered = config::FailurePolicy::reset;
    config.groups[0].deregistration_delay = 0s;
    it.apply(config);
    config.groups[0].targets.pop_back();
    config.generation = 2;
    it.apply(config);
    it.engine.on_flow_counts({0, 3});
    const auto removed = it.events_of<TargetsRemoved>();
    REQUIRE(removed.size() == 1);
    CHECK(removed[0].targets.at(0).flows == 3);
    CHECK(it.port->maps.targets.at(1) == GLB_TARGET_RESET);
}

TEST_CASE("engine: a final state that could not be written is written again, unless the index is reused",
          "[engine]") {
    const bool reused = GENERATE(false, true);
    EngineFixture it;
    it.apply_healthy();
    it.apply(engine_config(2, {"a", "c"}));
    it.port->fail_nth_write(0, 1000);
    it.engine.on_flow_counts({5, 0, 5});
    CHECK(it.events_of<TargetsRemoved>().size() == 1);
    CHECK(it.port->maps.targets.at(1) == keep_all);
    CHECK(it.engine.snapshot()->write_error == "injected failure of target 1");
    it.port->succeed();
    if (reused) {
        auto config = engine_config(3, {"a", "c", "d"});
        config.groups[0].targets[2].index = 1;
        config.groups[0].targets[2].weight = 0;
        it.port->maps.targets[1] = 0;
        it.apply(config);
        it.apply(engine_config(4, {"a", "c"}));
        it.loop.run_for(1100ms); // beyond the periodic refresh
    }
    REQUIRE(it.run_until([&] {
        return it.engine.snapshot()->write_error.empty() && (reused || it.port->maps.targets.at(1) == 0);
    }));
    CHECK(it.port->maps.targets.at(1) == (reused ? keep_all : 0));
}

TEST_CASE("engine: drains do not end while a change is staged", "[engine]") {
    EngineFixture it;
    it.apply_healthy();
    it.apply(engine_config(2, {"a", "b"}));
    REQUIRE(it.engine.stage(engine_config(3, {"a", "b", "c"})));
    it.engine.on_flow_counts({0, 0, 0});
    CHECK(it.events_of<TargetsRemoved>().empty());
    CHECK(it.port->maps.targets.at(2) == keep_all);
    REQUIRE(it.engine.commit(3, {}));
    CHECK(it.state("g/c") == TargetState::healthy);
    it.engine.on_flow_counts({0, 0, 0});
    CHECK(it.events_of<TargetsRemoved>().empty());
}

TEST_CASE("engine: an initial target without a path is held until set_resolved() or commit()", "[engine]") {
    const bool by_commit = GENERATE(false, true);
    PathFixture it;
    it.apply(it.config(1), {7}); // of another target
    REQUIRE(it.wait_for_path_wanted());
    CHECK(it.events_of<TargetPathWanted>()[0].name == "g/a");
    CHECK(it.state("g/a") == TargetState::initial);
    CHECK(it.port->maps.targets.at(0) == keep_all);
    it.engine.set_resolved({7});
    it.loop.run_for(50ms);
    CHECK(it.state("g/a") == TargetState::initial);
    if (by_commit)
        it.apply(it.config(2), {0, 7});
    else
        it.engine.set_resolved({0, 7});
    CHECK(it.port->maps.targets.at(0) == accept_all); // at once
    REQUIRE(it.run_until([&] { return it.state("g/a") == TargetState::healthy; }));
    CHECK(it.wrong_rows("g/a").empty());
}

TEST_CASE("engine: an initial target with a path becomes healthy with its first probe", "[engine]") {
    PathFixture it;
    it.apply(it.config(1), {0});
    REQUIRE(it.run_until([&] { return it.state("g/a") == TargetState::healthy; }));
    CHECK(it.events_of<TargetPathWanted>().empty());
}

TEST_CASE("engine: a failed probe drops the result that was held for a path", "[engine]") {
    PathFixture it;
    it.apply(it.config(1));
    REQUIRE(it.wait_for_path_wanted());
    it.server.reset();
    REQUIRE(it.run_until([&] { return !it.target("g/a").last_error.empty(); }));
    it.engine.set_resolved({0});
    it.loop.run_for(50ms);
    CHECK(it.state("g/a") == TargetState::initial);
}

TEST_CASE("engine: a probe without an answer is reported with the target's address", "[engine]") {
    PathFixture it;
    auto config = it.config(1);
    config.groups[0].probe.timeout = config.groups[0].probe.interval = 10ms;
    config.groups[0].probe.protocol = ProbeKind::http; // the server does not respond
    it.apply(config, {0});
    REQUIRE(it.run_until([&] { return !it.events_of<TargetUnanswered>().empty(); }));
    CHECK(it.events_of<TargetUnanswered>()[0].address == *IpAddress::parse("127.0.0.1"));
}

TEST_CASE("engine: events of the data path are read when its descriptor is readable", "[engine]") {
    EngineFixture it;
    it.apply_healthy();
    const auto address = *IpAddress::parse("192.0.2.1");
    auto missing = event_from(GLB_EVENT_NO_NEIGHBOUR, address);
    missing.ifindex = 5;
    it.port->inject(missing);
    auto driver = event_from(GLB_EVENT_NO_METADATA, address);
    driver.ifindex = 6;
    it.port->inject(driver);
    auto checksum = event_from(GLB_EVENT_TX_OFFLOAD, address);
    checksum.ifindex = 7;
    checksum.address[0] = 8;
    it.port->inject(checksum);
    auto mac = event_from(GLB_EVENT_SENDER_MAC, address);
    const std::array<std::uint8_t, 6> bytes = {2, 0, 0, 0, 0, 9};
    std::memcpy(&mac.address[1], bytes.data(), bytes.size());
    it.port->inject(mac);
    REQUIRE(it.run_until([&] { return it.events.size() == 4; }));
    CHECK(it.events_of<NextHopMissing>().at(0).ifindex == 5);
    CHECK(it.events_of<NextHopMissing>().at(0).address == address);
    CHECK(it.events_of<DriverLacksMetadata>().at(0).ifindex == 6);
    CHECK(it.events_of<ChecksumMissing>().at(0).ifindex == 7);
    CHECK(it.events_of<ChecksumMissing>().at(0).endpoint == 8);
    CHECK(it.events_of<SenderMacMismatch>().at(0).sender == address);
    REQUIRE(it.run_until(
        [&] { return it.target("g/a").last_error.find("02:00:00:00:00:09") != std::string::npos; }));
    CHECK(it.state("g/a") == TargetState::healthy);

    // Events of maps that were replaced are not read; those of the new ones are.
    const auto other = std::make_shared<FakeTargetStatePort>();
    it.engine.attach(other);
    it.port->inject(driver);
    other->inject(missing);
    REQUIRE(it.run_until([&] { return it.events.size() == 5; }));
    it.loop.run_for(20ms);
    CHECK(it.events.size() == 5);
    CHECK(it.events_of<NextHopMissing>().size() == 2);
}

TEST_CASE("engine: GENEVE checks are answered through the data path", "[engine]") {
    EngineFixture it;
    FakeAppliance appliance;
    auto config = engine_config(1, {"a"});
    auto &group = config.groups[0];
    group.targets[0].address = *IpAddress::parse("127.0.0.1");
    group.targets[0].port = appliance.port();
    group.in_band = {true, {*IpAddress::parse("192.0.2.1"), *IpAddress::parse("192.0.2.2"), 7}, 10s, 10s};
    it.apply(config, {0});
    std::optional<std::uint64_t> nonce;
    REQUIRE(it.run_until([&] {
        if (!nonce)
            nonce = appliance.receive();
        return nonce.has_value();
    }));
    CHECK(it.state("g/a") == TargetState::initial);
    auto answer = event_from(GLB_EVENT_IN_BAND, *IpAddress::parse("127.0.0.1"));
    std::memcpy(&answer.address[1], &*nonce, sizeof *nonce);
    it.port->inject(answer);
    REQUIRE(it.run_until([&] { return it.state("g/a") == TargetState::healthy; }));
}

TEST_CASE("engine: an unresponsive target is ejected by the counters of the data path", "[engine]") {
    EngineFixture it;
    it.restore_healthy({"g/a", "g/b"});
    auto config = engine_config(1, {"a", "b"});
    for (auto &target : config.groups[0].targets)
        target.address = *IpAddress::parse("127.0.0.1");
    config.groups[0].policy.passive = true;
    it.apply(config);
    REQUIRE(
        it.run_until([&] { return it.port->count_reads >= 4; })); // the first poll is the base of later ones
    it.port->counts[0].unanswered = 20;
    REQUIRE(it.run_until(
        [&] {
            it.port->counts[0].outbound.packets += 1;
            it.port->counts[1].returned.packets += 1;
            return it.port->maps.targets.at(0) == 0;
        },
        120s)); // on a busy machine polls are late, and the detector ignores their interval
    REQUIRE(it.run_until([&] { return it.state("g/a") == TargetState::unhealthy; }));
    CHECK(it.target("g/a").reason == HealthReason::no_return_traffic);
    CHECK(it.state("g/b") == TargetState::healthy);
    CHECK(it.wrong_rows("g/b").empty());
}
