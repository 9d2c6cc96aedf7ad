#include "registry_fixture.h"

using namespace glb;
using namespace glb::health;
using namespace glb::test;

TEST_CASE("registry: a removed target drains with its flows, and accepts new ones when configured again",
          "[registry]") {
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
    it.set(config_of({"a"})); // another change does not restart the drain
    CHECK(it.registry.entries().at("g/b").drain_until == it.now + 50s);

    it.set(config_of({"a", "b"}));
    CHECK(it.state("g/b") == TargetState::healthy);
    CHECK_FALSE(it.registry.entries().at("g/b").drain_until);
    CHECK(it.flags("g/b") == (keep_all | GLB_TARGET_ACCEPT_NEW));
    it.now += 500s;
    CHECK(it.remove_drained(0).empty());
}

TEST_CASE("registry: a drain ends with the last flow, or at its deadline under rehash", "[registry]") {
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

TEST_CASE("registry: under hold, established flows outlast the deadline of the drain", "[registry]") {
    RegistryFixture it;
    it.set(config_of({"a", "b"}, config::FailurePolicy::hold));
    it.set(config_of({"a"}, config::FailurePolicy::hold));
    CHECK(it.flags("g/b") == keep_all);
    it.now += 1000s;
    CHECK(it.remove_drained(1).empty());
    CHECK(it.flags("g/b") == GLB_TARGET_KEEP_ESTABLISHED);
    CHECK(it.remove_drained(0) == std::vector<std::string>{"g/b"});
}

TEST_CASE("registry: a removed group exists while its targets drain", "[registry]") {
    RegistryFixture it;
    it.set(config_of({"a", "b"}));
    it.set(HealthConfig{});
    CHECK(it.registry.group_state("g", it.now));
    CHECK(it.flags("g/a") == keep_all);
    CHECK(it.registry.entries().at("g/a").drain_until == it.now + 300s);
    CHECK(it.remove_drained(0).size() == 2);
    CHECK_FALSE(it.registry.group_state("g", it.now));
    CHECK(it.registry.group_states(it.now).empty());
}

TEST_CASE("registry: restored health is applied once", "[registry]") {
    RegistryFixture earlier;
    earlier.set(config_of({"a", "b"}));
    earlier.probe("g/a", ProbeOutcome::ok);
    earlier.probe("g/b", ProbeOutcome::timeout, 3);
    RegistryFixture it;
    it.registry.restore(earlier.registry.persisted());
    it.set(config_of({"a", "b"}));
    CHECK(it.state("g/a") == TargetState::healthy);
    CHECK(it.state("g/b") == TargetState::unhealthy);
    it.set(config_of({"b"}));
    CHECK(it.remove_drained(0) == std::vector<std::string>{"g/a"});
    it.now += 3600s;
    it.set(config_of({"a", "b"}));
    CHECK(it.state("g/a") == TargetState::initial);
}

TEST_CASE("registry: members of a group are independent of similar group names", "[registry]") {
    RegistryFixture it;
    auto config = config_of({"a", "b"});
    for (const auto *name : {"g-", "g0", "f", "g-a"}) {
        auto group = config.groups[0];
        group.name = name;
        config.groups.push_back(group);
    }
    it.set(config);
    std::vector<std::string> names;
    for (const auto &[name, entry] : it.registry.members_of("g"))
        names.push_back(name);
    CHECK(names == std::vector<std::string>{"g/a", "g/b"});
    CHECK(it.registry.members_of("h").empty());
    CHECK(it.registry.group_states(it.now).size() == 5);
    for (const auto &row : it.registry.group_states(it.now))
        CHECK(row.indexes.size() == 2);
}

TEST_CASE("registry: sender MAC mismatch is recorded for targets with the address", "[registry]") {
    RegistryFixture it;
    it.set(config_of({"a", "b"}));
    it.probe("g/a", ProbeOutcome::ok);
    it.registry.on_sender_mac(*IpAddress::parse("192.0.2.1"), MacAddress{{2, 0, 0, 0, 0, 9}}, it.now);
    const auto error = [&](const char *name) { return it.entry(name).health.errors().last(it.now); };
    REQUIRE(error("g/a"));
    CHECK(error("g/a")->text.find("02:00:00:00:00:09") != std::string::npos);
    CHECK(error("g/a")->at == it.now);
    CHECK_FALSE(error("g/b"));
    CHECK(it.state("g/a") == TargetState::healthy);
}

TEST_CASE("registry: working in-band probes and restored failures survive a restart", "[registry]") {
    RegistryFixture earlier;
    earlier.set(config_of({"a", "b"}));
    earlier.probe("g/a", ProbeOutcome::ok);
    earlier.probe("g/b", ProbeOutcome::ok);
    CHECK_FALSE(earlier.registry.update(
        "g/a", [&](TargetHealth &health) { return health.on_in_band(true, earlier.now); }));
    RegistryFixture it;
    it.registry.restore(earlier.registry.persisted());
    it.registry.restore_failure("g/b", HealthReason::failed_health_checks);
    it.registry.restore_failure("g/c", HealthReason::failed_health_checks); // was not persisted
    it.set(config_of({"a", "b", "c"}));
    CHECK(it.registry.entries().at("g/a").health.in_band_worked());
    CHECK_FALSE(it.registry.entries().at("g/b").health.in_band_worked());
    CHECK(it.state("g/a") == TargetState::healthy);
    CHECK(it.state("g/b") == TargetState::unhealthy);
    CHECK(it.state("g/c") == TargetState::initial);
}

TEST_CASE("registry: a group that was alive is down when its checked targets fail, despite an initial one",
          "[registry]") {
    RegistryFixture it;
    auto config = config_of({"a"});
    config.groups[0].on_all_unhealthy = config::AllUnhealthyPolicy::bypass;
    it.set(config);
    CHECK(it.registry.group_states(it.now).at(0).state.no_target == GLB_NO_TARGET_PENDING);
    it.probe("g/a", ProbeOutcome::ok);
    it.probe("g/a", ProbeOutcome::timeout, 3);
    auto more = config_of({"a", "b"});
    more.groups[0].on_all_unhealthy = config::AllUnhealthyPolicy::bypass;
    it.set(more);
    CHECK(it.registry.group_states(it.now).at(0).state.no_target == GLB_NO_TARGET_BYPASS);
}

TEST_CASE("registry: targets with checks that are in use or draining are probed", "[registry]") {
    RegistryFixture it;
    const auto source = *IpAddress::parse("192.0.2.100");
    auto config = config_of({"a", "b"});
    auto idle = config_of({"c"}).groups[0];
    idle.name = "idle";
    idle.endpoints.clear();
    config.groups.push_back(idle);
    config.groups[0].probe.port = 8080;
    it.set(config);
    auto fewer = config;
    fewer.groups[0].targets.pop_back();
    it.set(fewer);
    const auto probes = it.registry.probe_targets(source);
    REQUIRE(probes.size() == 2);
    CHECK(probes[1].key == "g/b"); // it may fail before its last flow ends
    CHECK(probes[0].key == "g/a");
    CHECK(probes[0].address.to_string() == "192.0.2.1");
    CHECK(probes[0].source.address == source);
    CHECK(probes[0].settings.protocol == ProbeKind::tcp);
    CHECK(probes[0].settings.port == 8080);
    CHECK(it.state("idle/c") == TargetState::unused);
    fewer.groups[0].probe.protocol = ProbeKind::none;
    fewer.groups[0].policy.checks_enabled = false;
    it.set(fewer);
    CHECK(it.registry.probe_targets(source).empty());
    CHECK(it.state("g/a") == TargetState::unavailable);
}

TEST_CASE("registry: unresolved next hop fails a target at once, and resolution restores it", "[registry]") {
    RegistryFixture it;
    it.set(config_of({"a", "b"}));
    it.probe("g/a", ProbeOutcome::ok);
    it.probe("g/b", ProbeOutcome::ok);
    it.registry.on_neighbour("g/a", false, it.now);
    CHECK(it.state("g/a") == TargetState::unhealthy);
    CHECK(it.flags("g/a") == 0);
    it.registry.on_neighbour("g/a", true, it.now);
    CHECK(it.state("g/a") == TargetState::healthy);
    it.registry.on_neighbour("g/z", false, it.now); // unknown
    it.probe("g/z", ProbeOutcome::ok);
    CHECK(it.registry.entries().size() == 2);
}

TEST_CASE("registry: adopted target drains for the default delay", "[registry]") {
    RegistryFixture it;
    it.set(config_of({"a"}));
    it.registry.adopt({"old", 5, target_at("x", 9), "old/x"}, it.now);
    CHECK(it.state("old/x") == TargetState::draining);
    CHECK(it.entry("old/x").drain_until == it.now + 300s);
    CHECK(it.registry.group_state("old", it.now)->group_index == 5);
    CHECK(it.flags("old/x") == keep_all);
    it.set(config_of({"a"}));
    CHECK(it.registry.group_state("old", it.now));
    it.now += 300s;
    CHECK(it.remove_drained(1) == std::vector<std::string>{"old/x"});
    CHECK_FALSE(it.registry.group_state("old", it.now));
}

TEST_CASE("registry: adopted target drains with the policy of its configured group", "[registry]") {
    RegistryFixture it;
    it.set(config_of({"a"}, config::FailurePolicy::hold));
    it.registry.adopt({"g", 0, target_at("x", 9), "g/x"}, it.now);
    it.now += 300s;
    CHECK(it.remove_drained(1).empty());
    CHECK(it.flags("g/x") == GLB_TARGET_KEEP_ESTABLISHED);
    CHECK(it.remove_drained(0) == std::vector<std::string>{"g/x"});
}

TEST_CASE("registry: adoption does not change a target that is configured", "[registry]") {
    RegistryFixture it;
    it.set(config_of({"a"}));
    it.registry.adopt({"g", 7, target_at("a", 9), "g/a"}, it.now);
    CHECK(it.entry("g/a").target.index == 0);
    CHECK_FALSE(it.entry("g/a").drain_until);
    it.registry.adopt({"g", 7, target_at("x", 9), "g/x"}, it.now);
    CHECK(it.registry.group_state("g", it.now)->group_index == 0);
}

TEST_CASE("registry: failures since a copy was made are merged into it", "[registry]") {
    RegistryFixture it;
    it.set(config_of({"a", "b", "c"}));
    for (const char *name : {"g/a", "g/b", "g/c"})
        it.probe(name, ProbeOutcome::ok);
    auto before = it.registry;
    it.set(config_of({"a", "d"}));
    it.probe("g/a", ProbeOutcome::timeout, 3);
    it.probe("g/b", ProbeOutcome::timeout, 3);
    before.merge_failures(it.registry, it.now);
    it.registry = before;
    CHECK(it.state("g/a") == TargetState::unhealthy);
    CHECK(it.state("g/b") == TargetState::unhealthy); // and does not drain
    CHECK_FALSE(it.registry.entries().at("g/b").drain_until);
    CHECK(it.state("g/c") == TargetState::healthy);
    CHECK_FALSE(it.registry.entries().contains("g/d"));
    it.probe("g/a", ProbeOutcome::ok, 5);
    CHECK(it.state("g/a") == TargetState::healthy);
}

TEST_CASE("registry: a check with another port starts to count anew, other changes do not", "[registry]") {
    RegistryFixture it;
    auto config = config_of({"a", "b"});
    it.set(config);
    it.probe("g/a", ProbeOutcome::timeout, 3);
    it.probe("g/b", ProbeOutcome::ok);
    it.probe("g/a", ProbeOutcome::ok, 2);
    it.probe("g/b", ProbeOutcome::timeout, 2);
    config.groups[0].probe.port = 8080;
    it.set(config);
    it.probe("g/a", ProbeOutcome::ok);
    it.probe("g/b", ProbeOutcome::timeout);
    CHECK(it.state("g/a") == TargetState::unhealthy);
    CHECK(it.state("g/b") == TargetState::healthy);
    it.probe("g/a", ProbeOutcome::ok);
    config.groups[0].probe.interval = 7s;
    it.set(config);
    it.probe("g/a", ProbeOutcome::ok);
    it.probe("g/b", ProbeOutcome::timeout, 2);
    CHECK(it.state("g/a") == TargetState::healthy);
    CHECK(it.state("g/b") == TargetState::unhealthy);
}
