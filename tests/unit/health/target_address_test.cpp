// A target id with another address or port is another appliance.
#include "tests/unit/health/engine_fixture.h"
#include "tests/unit/health/registry_fixture.h"

#include <boost/asio/ip/tcp.hpp>

using namespace glb;
using namespace glb::health;
using namespace glb::test;

namespace {

/// The group "g" with one target "a" at 192.0.2.LAST:PORT and the index `index`.
HealthConfig one_target(int last, std::uint16_t index, std::uint16_t port = 6081) {
    auto config = config_of({});
    config.groups[0].targets = {{"a", *IpAddress::parse("192.0.2." + std::to_string(last)), port, 1, index}};
    return config;
}

} // namespace

TEST_CASE("target address: a newcomer under a known id is initial, and the previous one drains",
          "[registry]") {
    RegistryFixture it;
    it.set(one_target(1, 0));
    it.probe("g/a", ProbeOutcome::ok);
    const auto [config, previous] = GENERATE(std::pair{one_target(9, 1), "g/a@192.0.2.1:6081"},
                                             std::pair{one_target(1, 1, 6082), "g/a@192.0.2.1:6081"});
    it.transitions.clear();
    it.set(config);
    CHECK(it.state("g/a") == TargetState::initial);
    CHECK(it.entry("g/a").target == config.groups[0].targets[0]);
    CHECK_FALSE(it.entry("g/a").drain_until);
    CHECK(it.state(previous) == TargetState::draining);
    CHECK(it.entry(previous).target.index == 0);
    CHECK(it.entry(previous).target.id == "a");
    CHECK(it.entry(previous).drain_until == it.now + 100s);
    CHECK(it.flags(previous) == keep_all);
    CHECK(it.transitions == std::vector<std::string>{std::string(previous) + " draining"});
    it.probe("g/a", ProbeOutcome::ok);
    CHECK(it.state("g/a") == TargetState::healthy);
    CHECK(it.remove_drained(0) == std::vector<std::string>{previous});
    CHECK(it.registry.entries().size() == 1);
}

TEST_CASE("target address: one that comes back while it drains is reinstated with its index and health",
          "[registry]") {
    RegistryFixture it;
    it.set(one_target(1, 0));
    it.probe("g/a", ProbeOutcome::ok);
    it.set(one_target(9, 1));
    it.set(one_target(1, 0));
    CHECK(it.state("g/a") == TargetState::healthy);
    CHECK(it.entry("g/a").target.index == 0);
    CHECK_FALSE(it.entry("g/a").drain_until);
    CHECK(it.state("g/a@192.0.2.9:6081") == TargetState::draining);
    CHECK(it.registry.entries().size() == 2);
}

TEST_CASE("target address: exchanged addresses are four appliances", "[registry]") {
    RegistryFixture it;
    auto config = config_of({"a", "b"});
    it.set(config);
    it.probe("g/a", ProbeOutcome::ok);
    it.probe("g/b", ProbeOutcome::ok);
    auto &targets = config.groups[0].targets;
    std::swap(targets[0].address, targets[1].address);
    targets[0].index = 10, targets[1].index = 11;
    it.set(config);
    for (const auto *name : {"g/a", "g/b"})
        CHECK(it.state(name) == TargetState::initial);
    CHECK(it.entry("g/a@192.0.2.1:6081").target.index == 0);
    CHECK(it.entry("g/b@192.0.2.2:6081").target.index == 1);
}

TEST_CASE("target address: an operator's drain is that of the id", "[registry]") {
    RegistryFixture it;
    it.set(one_target(1, 0));
    REQUIRE(it.registry.drain("g/a", true, it.now));
    it.set(one_target(9, 1));
    CHECK(it.entry("g/a").operator_drain_until == it.now + 100s);
    CHECK(it.state("g/a") == TargetState::draining);
    CHECK_FALSE(it.entry("g/a@192.0.2.1:6081").operator_drain_until);
    REQUIRE(it.registry.undrain("g/a", it.now)); // acts on the current one
    CHECK(it.state("g/a") == TargetState::initial);
    CHECK(it.state("g/a@192.0.2.1:6081") == TargetState::draining);
}

TEST_CASE("target address: persisted health is that of its address", "[registry]") {
    RegistryFixture earlier;
    earlier.set(one_target(1, 0));
    earlier.probe("g/a", ProbeOutcome::ok);
    auto persisted = earlier.registry.persisted();
    CHECK(persisted.health.at("g/a").address == "192.0.2.1:6081");
    const auto state_at = [&](int last) {
        RegistryFixture it;
        it.registry.restore(persisted);
        it.set(one_target(last, 0));
        return it.state("g/a");
    };
    CHECK(state_at(1) == TargetState::healthy);
    CHECK(state_at(9) == TargetState::initial);
    persisted.health.at("g/a").address.clear(); // of an earlier version
    CHECK(state_at(9) == TargetState::healthy);
}

TEST_CASE("target address: failures since a commit are kept when it is reverted", "[registry]") {
    RegistryFixture it;
    it.set(one_target(1, 0));
    it.probe("g/a", ProbeOutcome::ok);
    auto before = it.registry;
    it.set(one_target(9, 1));
    it.probe("g/a", ProbeOutcome::timeout, 3); // the newcomer
    auto reverted = before;
    reverted.merge_failures(it.registry, it.now);
    CHECK(reverted.entries().at("g/a").health.state() == TargetState::healthy);
    it.probe("g/a@192.0.2.1:6081", ProbeOutcome::timeout, 3);
    before.merge_failures(it.registry, it.now);
    CHECK(before.entries().at("g/a").health.state() == TargetState::unhealthy);
}

TEST_CASE("target address: a check that the previous one passed does not make the newcomer healthy",
          "[engine]") {
    EngineFixture it;
    auto config = engine_config(1, {"a"});
    config.groups[0].probe.protocol = ProbeKind::tcp;
    config.groups[0].probe.interval = config.groups[0].probe.timeout = 20ms;
    boost::asio::ip::tcp::acceptor server(it.loop, {boost::asio::ip::address_v4::loopback(), 0});
    config.groups[0].probe.port = server.local_endpoint().port();
    config.groups[0].targets[0].address = *IpAddress::parse("127.0.0.1");
    it.apply(config); // no path yet: the result is held
    REQUIRE(it.run_until([&] { return !it.events_of<TargetPathWanted>().empty(); }));
    config.generation = 2;
    config.groups[0].targets[0] = {"a", *IpAddress::parse("127.0.0.2"), 6081, 1, 7};
    config.groups[0].probe.interval = config.groups[0].probe.timeout = 60s;
    it.apply(config, {7});
    CHECK(it.state("g/a") == TargetState::initial);
}

TEST_CASE("target address: a check of the newcomer says nothing about the previous one after a revert",
          "[engine]") {
    EngineFixture it;
    auto config = engine_config(1, {"a"});
    config.groups[0].probe.protocol = ProbeKind::tcp;
    config.groups[0].probe.interval = config.groups[0].probe.timeout = 60s;
    config.groups[0].targets[0] = {"a", *IpAddress::parse("127.0.0.2"), 6081, 1, 7};
    it.apply(config);
    boost::asio::ip::tcp::acceptor server(it.loop, {boost::asio::ip::address_v4::loopback(), 0});
    config.generation = 2;
    config.groups[0].probe.port = server.local_endpoint().port();
    config.groups[0].probe.interval = config.groups[0].probe.timeout = 20ms;
    config.groups[0].targets[0] = {"a", *IpAddress::parse("127.0.0.1"), 6081, 1, 8};
    it.apply(config); // no path yet: the result is held
    REQUIRE(it.run_until([&] { return !it.events_of<TargetPathWanted>().empty(); }));
    it.engine.revert(2);
    it.engine.set_resolved({7});
    CHECK(it.state("g/a") == TargetState::initial);
}
