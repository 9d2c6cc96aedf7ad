#include "registry_fixture.h"

using namespace glb;
using namespace glb::test;

TEST_CASE("fleet: a target that is gone drains and keep_all its flows; one that comes back takes new ones",
          "[node]") {
    RegistryFixture it;
    it.set(config_of({"a", "b"}));
    it.probe("g/a", ProbeOutcome::ok);
    it.probe("g/b", ProbeOutcome::ok);
    it.set(config_of({"a"}));
    CHECK(it.state("g/b") == TargetState::draining);
    CHECK(it.flags("g/b") == keep_all);
    CHECK(it.registry.entries().at("g/b").drain_until == it.now + 100s);
    CHECK(it.transitions.back() == "g/b draining");
    it.now += 50s;
    it.set(config_of({"a"})); // a further change does not begin the drain anew
    CHECK(it.registry.entries().at("g/b").drain_until == it.now + 50s);

    it.set(config_of({"a", "b"}));
    CHECK(it.state("g/b") == TargetState::healthy);
    CHECK_FALSE(it.registry.entries().at("g/b").drain_until);
    CHECK(it.flags("g/b") == (keep_all | GLB_TARGET_ACCEPT_NEW));
    it.now += 500s;
    CHECK(it.remove_drained(0).empty());
}

TEST_CASE("fleet: a drain ends with its last flow, or with its time under rehash", "[node]") {
    RegistryFixture it;
    it.set(config_of({"a", "b"}));
    it.set(config_of({"a"}));
    it.now += 99s;
    CHECK(it.remove_drained(1).empty());
    SECTION("no flow") {
        CHECK(it.remove_drained(0) == std::vector<std::string>{"g/b"});
    }
    SECTION("time") {
        it.now += 1s;
        CHECK(it.remove_drained(1) == std::vector<std::string>{"g/b"});
    }
    CHECK(it.registry.entries().size() == 1);
    CHECK(it.remove_drained(0).empty());
}

TEST_CASE("fleet: under hold, established flows outlast the drain's time", "[node]") {
    RegistryFixture it;
    it.set(config_of({"a", "b"}, FailurePolicy::hold));
    it.set(config_of({"a"}, FailurePolicy::hold));
    CHECK(it.flags("g/b") == keep_all);
    it.now += 1000s;
    CHECK(it.remove_drained(1).empty());
    CHECK(it.flags("g/b") == GLB_TARGET_KEEP_ESTABLISHED);
    CHECK(it.remove_drained(0) == std::vector<std::string>{"g/b"});
}

TEST_CASE("fleet: a group that is removed stays for the targets that drain", "[node]") {
    RegistryFixture it;
    it.set(config_of({"a", "b"}));
    it.set(HealthConfig{});
    CHECK(it.registry.has_group("g"));
    CHECK(it.flags("g/a") == keep_all);
    CHECK(it.registry.entries().at("g/a").drain_until == it.now + 300s);
    CHECK(it.remove_drained(0).size() == 2);
    CHECK_FALSE(it.registry.has_group("g"));
    CHECK(it.registry.group_states(it.now).empty());
}

TEST_CASE("fleet: health known from before a restart counts once", "[node]") {
    RegistryFixture earlier;
    earlier.set(config_of({"a", "b"}));
    earlier.probe("g/a", ProbeOutcome::ok);
    earlier.probe("g/b", ProbeOutcome::timeout, 3);
    RegistryFixture it;
    it.registry.load_persisted(earlier.registry.known());
    it.set(config_of({"a", "b"}));
    CHECK(it.state("g/a") == TargetState::healthy);
    CHECK(it.state("g/b") == TargetState::unhealthy);
    it.set(config_of({"b"}));
    CHECK(it.remove_drained(0) == std::vector<std::string>{"g/a"});
    it.now += 3600s;
    it.set(config_of({"a", "b"}));
    CHECK(it.state("g/a") == TargetState::initial);
}

TEST_CASE("fleet: a group's members are its own, whatever others are called", "[node]") {
    RegistryFixture it;
    auto config = config_of({"a", "b"});
    for (const auto *name : {"g-", "g0", "f", "g-a"}) {
        auto group = config.groups[0];
        group.name = name;
        manifest.target_groups.push_back(group);
    }
    it.set(config);
    std::vector<std::string> names;
    for (const auto &[name, member] : it.registry.members_of("g"))
        names.push_back(name);
    CHECK(names == std::vector<std::string>{"g/a", "g/b"});
    CHECK(it.registry.members_of("h").empty());
    CHECK(it.registry.group_states(it.now).size() == 5);
    for (const auto &words : it.registry.group_states(it.now))
        CHECK(words.indexes.size() == 2);
}

TEST_CASE("fleet: a sender's other MAC is told of every target with its address", "[node]") {
    RegistryFixture it;
    it.set(config_of({"a", "b"}));
    it.probe("g/a", ProbeOutcome::ok);
    it.registry.on_sender_mac(*IpAddress::parse("192.0.2.1"), MacAddress{{2, 0, 0, 0, 0, 9}});
    const auto error = [&](const char *name) { return it.registry.entries().at(name).health.last_error(); };
    CHECK(error("g/a").find("02:00:00:00:00:09") != std::string::npos);
    CHECK(error("g/b").empty());
    CHECK(it.state("g/a") == TargetState::healthy);
}

TEST_CASE("fleet: that in-band works, and who was taken out last, outlive the daemon", "[node]") {
    RegistryFixture earlier;
    earlier.set(config_of({"a", "b"}));
    earlier.probe("g/a", ProbeOutcome::ok);
    earlier.probe("g/b", ProbeOutcome::ok);
    CHECK_FALSE(earlier.registry.update_health(
        "g/a", [&](TargetHealth &health) { return health.on_in_band(true, earlier.now); }));
    RegistryFixture it;
    it.registry.load_persisted(earlier.registry.known());
    it.registry.restore_failure("g/b", HealthReason::failed_health_checks);
    it.registry.restore_failure("g/c", HealthReason::failed_health_checks); // nothing was known of it
    it.set(config_of({"a", "b", "c"}));
    CHECK(it.registry.entries().at("g/a").health.in_band_worked());
    CHECK_FALSE(it.registry.entries().at("g/b").health.in_band_worked());
    CHECK(it.state("g/a") == TargetState::healthy);
    CHECK(it.state("g/b") == TargetState::unhealthy);
    CHECK(it.state("g/c") == TargetState::initial);
}

TEST_CASE("fleet: what is known and makes no sense is passed over", "[node]") {
    RegistryFixture it;
    it.registry.load_persisted(nlohmann::json::array());
    it.registry.load_persisted({{"g/a", 5},
                                {"g/b", {{"state", 7}, {"reason", nullptr}}},
                                {"g/c", {{"state", "splendid"}}},
                                {"g/d", {{"state", "healthy"}, {"reason", "unheard of"}}}});
    it.set(config_of({"a", "b", "c", "d"}));
    CHECK(it.state("g/a") == TargetState::initial);
    CHECK(it.state("g/b") == TargetState::initial);
    CHECK(it.state("g/c") == TargetState::initial);
    CHECK(it.state("g/d") == TargetState::healthy);
}

TEST_CASE("fleet: a group that was alive once is down when its judged targets fail, though one is new",
          "[node]") {
    RegistryFixture it;
    auto config = config_of({"a"});
    config.groups[0].on_all_unhealthy = AllUnhealthyPolicy::bypass;
    it.set(config);
    CHECK(it.registry.group_states(it.now).at(0).state.no_target == GLB_NO_TARGET_PENDING);
    it.probe("g/a", ProbeOutcome::ok);
    it.probe("g/a", ProbeOutcome::timeout, 3);
    auto more = config_of({"a", "b"});
    more.groups[0].on_all_unhealthy = AllUnhealthyPolicy::bypass;
    it.set(more);
    CHECK(it.registry.group_states(it.now).at(0).state.no_target == GLB_NO_TARGET_BYPASS);
}

TEST_CASE("fleet: probes go to targets that are checked and in use, to those that drain too", "[node]") {
    RegistryFixture it;
    const auto source = *IpAddress::parse("192.0.2.100");
    auto config = config_of({"a", "b"});
    auto idle = config_of({"c"}).groups[0];
    idle.name = "idle";
    manifest.target_groups.push_back(idle);
    config.groups[0].health_check.port = 8080;
    it.set(config);
    auto fewer = manifest;
    fewer.groups[0].targets.pop_back();
    it.set(fewer);
    const auto probes = it.registry.probe_targets(source);
    REQUIRE(probes.size() == 2);
    CHECK(probes[1].key == "g/b"); // it may die before its last flow ends
    CHECK(probes[0].key == "g/a");
    CHECK(probes[0].address.to_string() == "192.0.2.1");
    CHECK(probes[0].source.address == source);
    CHECK(probes[0].settings.protocol == ProbeKind::tcp);
    CHECK(probes[0].settings.port == 8080);
    CHECK(it.state("idle/c") == TargetState::unused);
    fewer.groups[0].health_check.protocol = ProbeProtocol::none;
    it.set(fewer);
    CHECK(it.registry.probe_targets(source).empty());
    CHECK(it.state("g/a") == TargetState::unavailable);
}

TEST_CASE("fleet: a target whose next hop does not answer is out at once, and back at once", "[node]") {
    RegistryFixture it;
    it.set(config_of({"a", "b"}));
    it.probe("g/a", ProbeOutcome::ok);
    it.probe("g/b", ProbeOutcome::ok);
    it.registry.on_neighbour("g/a", false, it.now);
    CHECK(it.state("g/a") == TargetState::unhealthy);
    CHECK(it.flags("g/a") == 0);
    it.registry.on_neighbour("g/a", true, it.now);
    CHECK(it.state("g/a") == TargetState::healthy);
    it.registry.on_neighbour("g/z", false, it.now); // of nobody
    it.probe("g/z", ProbeOutcome::ok);
    CHECK(it.registry.entries().size() == 2);
}

TEST_CASE("fleet: a drain that an earlier daemon began goes on", "[node]") {
    RegistryFixture it;
    it.set(config_of({"a"}));
    TargetEntry member{
        "old", "old/x", 9, 5, {}, TargetHealth({}, it.now), it.now + 300s, FailurePolicy::rehash};
    (void)member.health.set_draining(Draining::deregistered, it.now);
    it.registry.adopt_removed(member);
    CHECK(it.flags("old/x") == keep_all);
    it.set(config_of({"a"}));
    CHECK(it.registry.has_group("old"));
    it.now += 300s;
    CHECK(it.remove_drained(1) == std::vector<std::string>{"old/x"});
    CHECK_FALSE(it.registry.has_group("old"));
}

TEST_CASE("fleet: a drain that an earlier daemon began holds its flows where its group says so", "[node]") {
    RegistryFixture it;
    it.set(config_of({"a"}, FailurePolicy::hold));
    TargetEntry member{"g", "g/x", 9, 0, {}, TargetHealth({}, it.now), it.now + 300s, FailurePolicy::rehash};
    (void)member.health.set_draining(Draining::deregistered, it.now);
    it.registry.adopt_removed(member);
    it.now += 300s;
    CHECK(it.remove_drained(1).empty());
    CHECK(it.flags("g/x") == GLB_TARGET_KEEP_ESTABLISHED);
    CHECK(it.remove_drained(0) == std::vector<std::string>{"g/x"});
}

TEST_CASE("fleet: a change that failed is undone, but for what has failed meanwhile", "[node]") {
    RegistryFixture it;
    it.set(config_of({"a", "b", "c"}));
    for (const char *name : {"g/a", "g/b", "g/c"})
        it.probe(name, ProbeOutcome::ok);
    const auto before = it.fleet;
    it.set(config_of({"a", "d"}));
    it.probe("g/a", ProbeOutcome::timeout, 3);
    it.probe("g/b", ProbeOutcome::timeout, 3);
    it.registry.restore_from(before, it.now);
    CHECK(it.state("g/a") == TargetState::unhealthy);
    CHECK(it.state("g/b") == TargetState::unhealthy); // and drains no more
    CHECK_FALSE(it.registry.entries().at("g/b").drain_until);
    CHECK(it.state("g/c") == TargetState::healthy);
    CHECK_FALSE(it.registry.entries().contains("g/d"));
    it.probe("g/a", ProbeOutcome::ok, 5);
    CHECK(it.state("g/a") == TargetState::healthy);
}
