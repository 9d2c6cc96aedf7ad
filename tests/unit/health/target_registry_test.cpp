#include "registry_fixture.h"

using namespace glb;
using namespace glb::test;

TEST_CASE("fleet: a target that is gone drains and keeps its flows; one that comes back takes new ones",
          "[node]") {
    Machine machine;
    machine.set(manifest_of({"a", "b"}));
    machine.probe("g/a", ProbeOutcome::ok);
    machine.probe("g/b", ProbeOutcome::ok);
    machine.set(manifest_of({"a"}));
    CHECK(machine.state("g/b") == TargetState::draining);
    CHECK(machine.word("g/b") == keeps);
    CHECK(machine.fleet.members().at("g/b").drain_until == machine.now + 100s);
    CHECK(machine.told.back() == "g/b draining");
    machine.now += 50s;
    machine.set(manifest_of({"a"})); // a further change does not begin the drain anew
    CHECK(machine.fleet.members().at("g/b").drain_until == machine.now + 50s);

    machine.set(manifest_of({"a", "b"}));
    CHECK(machine.state("g/b") == TargetState::healthy);
    CHECK_FALSE(machine.fleet.members().at("g/b").drain_until);
    CHECK(machine.word("g/b") == (keeps | GLB_TARGET_ACCEPT_NEW));
    machine.now += 500s;
    CHECK(machine.finish(0).empty());
}

TEST_CASE("fleet: a drain ends with its last flow, or with its time under rehash", "[node]") {
    Machine machine;
    machine.set(manifest_of({"a", "b"}));
    machine.set(manifest_of({"a"}));
    machine.now += 99s;
    CHECK(machine.finish(1).empty());
    SECTION("no flow") {
        CHECK(machine.finish(0) == std::vector<std::string>{"g/b"});
    }
    SECTION("time") {
        machine.now += 1s;
        CHECK(machine.finish(1) == std::vector<std::string>{"g/b"});
    }
    CHECK(machine.fleet.members().size() == 1);
    CHECK(machine.finish(0).empty());
}

TEST_CASE("fleet: under hold, established flows outlast the drain's time", "[node]") {
    Machine machine;
    machine.set(manifest_of({"a", "b"}, FailurePolicy::hold));
    machine.set(manifest_of({"a"}, FailurePolicy::hold));
    CHECK(machine.word("g/b") == keeps);
    machine.now += 1000s;
    CHECK(machine.finish(1).empty());
    CHECK(machine.word("g/b") == GLB_TARGET_KEEP_ESTABLISHED);
    CHECK(machine.finish(0) == std::vector<std::string>{"g/b"});
}

TEST_CASE("fleet: a group that is removed stays for the targets that drain", "[node]") {
    Machine machine;
    machine.set(manifest_of({"a", "b"}));
    machine.set(Manifest{});
    CHECK(machine.fleet.has_group("g"));
    CHECK(machine.word("g/a") == keeps);
    CHECK(machine.fleet.members().at("g/a").drain_until == machine.now + 300s);
    CHECK(machine.finish(0).size() == 2);
    CHECK_FALSE(machine.fleet.has_group("g"));
    CHECK(machine.fleet.group_states(machine.now).empty());
}

TEST_CASE("fleet: health known from before a restart counts once", "[node]") {
    Machine earlier;
    earlier.set(manifest_of({"a", "b"}));
    earlier.probe("g/a", ProbeOutcome::ok);
    earlier.probe("g/b", ProbeOutcome::timeout, 3);
    Machine machine;
    machine.fleet.load_persisted(earlier.fleet.known());
    machine.set(manifest_of({"a", "b"}));
    CHECK(machine.state("g/a") == TargetState::healthy);
    CHECK(machine.state("g/b") == TargetState::unhealthy);
    machine.set(manifest_of({"b"}));
    CHECK(machine.finish(0) == std::vector<std::string>{"g/a"});
    machine.now += 3600s;
    machine.set(manifest_of({"a", "b"}));
    CHECK(machine.state("g/a") == TargetState::initial);
}

TEST_CASE("fleet: a group's members are its own, whatever others are called", "[node]") {
    Machine machine;
    auto manifest = manifest_of({"a", "b"});
    for (const auto *name : {"g-", "g0", "f", "g-a"}) {
        auto group = manifest.target_groups[0];
        group.name = name;
        manifest.target_groups.push_back(group);
    }
    machine.set(manifest);
    std::vector<std::string> names;
    for (const auto &[name, member] : machine.fleet.members_of("g"))
        names.push_back(name);
    CHECK(names == std::vector<std::string>{"g/a", "g/b"});
    CHECK(machine.fleet.members_of("h").empty());
    CHECK(machine.fleet.group_states(machine.now).size() == 5);
    for (const auto &words : machine.fleet.group_states(machine.now))
        CHECK(words.indexes.size() == 2);
}

TEST_CASE("fleet: a sender's other MAC is told of every target with its address", "[node]") {
    Machine machine;
    machine.set(manifest_of({"a", "b"}));
    machine.probe("g/a", ProbeOutcome::ok);
    machine.fleet.on_sender_mac(*IpAddress::parse("192.0.2.1"), MacAddress{{2, 0, 0, 0, 0, 9}});
    const auto error = [&](const char *name) { return machine.fleet.members().at(name).health.last_error(); };
    CHECK(error("g/a").find("02:00:00:00:00:09") != std::string::npos);
    CHECK(error("g/b").empty());
    CHECK(machine.state("g/a") == TargetState::healthy);
}

TEST_CASE("fleet: that in-band works, and who was taken out last, outlive the daemon", "[node]") {
    Machine earlier;
    earlier.set(manifest_of({"a", "b"}));
    earlier.probe("g/a", ProbeOutcome::ok);
    earlier.probe("g/b", ProbeOutcome::ok);
    CHECK_FALSE(earlier.fleet.update_health(
        "g/a", [&](TargetHealth &health) { return health.on_in_band(true, earlier.now); }));
    Machine machine;
    machine.fleet.load_persisted(earlier.fleet.known());
    machine.fleet.restore_failure("g/b", HealthReason::failed_health_checks);
    machine.fleet.restore_failure("g/c", HealthReason::failed_health_checks); // nothing was known of it
    machine.set(manifest_of({"a", "b", "c"}));
    CHECK(machine.fleet.members().at("g/a").health.in_band_worked());
    CHECK_FALSE(machine.fleet.members().at("g/b").health.in_band_worked());
    CHECK(machine.state("g/a") == TargetState::healthy);
    CHECK(machine.state("g/b") == TargetState::unhealthy);
    CHECK(machine.state("g/c") == TargetState::initial);
}

TEST_CASE("fleet: what is known and makes no sense is passed over", "[node]") {
    Machine machine;
    machine.fleet.load_persisted(nlohmann::json::array());
    machine.fleet.load_persisted({{"g/a", 5},
                                  {"g/b", {{"state", 7}, {"reason", nullptr}}},
                                  {"g/c", {{"state", "splendid"}}},
                                  {"g/d", {{"state", "healthy"}, {"reason", "unheard of"}}}});
    machine.set(manifest_of({"a", "b", "c", "d"}));
    CHECK(machine.state("g/a") == TargetState::initial);
    CHECK(machine.state("g/b") == TargetState::initial);
    CHECK(machine.state("g/c") == TargetState::initial);
    CHECK(machine.state("g/d") == TargetState::healthy);
}

TEST_CASE("fleet: a group that was alive once is down when its judged targets fail, though one is new",
          "[node]") {
    Machine machine;
    auto manifest = manifest_of({"a"});
    manifest.target_groups[0].on_all_unhealthy = AllUnhealthyPolicy::bypass;
    machine.set(manifest);
    CHECK(machine.fleet.group_states(machine.now).at(0).words.none == GLB_NO_TARGET_PENDING);
    machine.probe("g/a", ProbeOutcome::ok);
    machine.probe("g/a", ProbeOutcome::timeout, 3);
    auto more = manifest_of({"a", "b"});
    more.target_groups[0].on_all_unhealthy = AllUnhealthyPolicy::bypass;
    machine.set(more);
    CHECK(machine.fleet.group_states(machine.now).at(0).words.none == GLB_NO_TARGET_BYPASS);
}

TEST_CASE("fleet: probes go to targets that are checked and in use, to those that drain too", "[node]") {
    Machine machine;
    const auto source = *IpAddress::parse("192.0.2.100");
    auto manifest = manifest_of({"a", "b"});
    auto idle = manifest_of({"c"}).target_groups[0];
    idle.name = "idle";
    manifest.target_groups.push_back(idle);
    manifest.target_groups[0].health_check.port = 8080;
    machine.set(manifest);
    auto fewer = manifest;
    fewer.target_groups[0].targets.pop_back();
    machine.set(fewer);
    const auto probes = machine.fleet.probe_targets(source);
    REQUIRE(probes.size() == 2);
    CHECK(probes[1].key == "g/b"); // it may die before its last flow ends
    CHECK(probes[0].key == "g/a");
    CHECK(probes[0].address.to_string() == "192.0.2.1");
    CHECK(probes[0].source.address == source);
    CHECK(probes[0].settings.protocol == ProbeKind::tcp);
    CHECK(probes[0].settings.port == 8080);
    CHECK(machine.state("idle/c") == TargetState::unused);
    fewer.target_groups[0].health_check.protocol = ProbeProtocol::none;
    machine.set(fewer);
    CHECK(machine.fleet.probe_targets(source).empty());
    CHECK(machine.state("g/a") == TargetState::unavailable);
}

TEST_CASE("fleet: a target whose next hop does not answer is out at once, and back at once", "[node]") {
    Machine machine;
    machine.set(manifest_of({"a", "b"}));
    machine.probe("g/a", ProbeOutcome::ok);
    machine.probe("g/b", ProbeOutcome::ok);
    machine.fleet.on_neighbour("g/a", false, machine.now);
    CHECK(machine.state("g/a") == TargetState::unhealthy);
    CHECK(machine.word("g/a") == 0);
    machine.fleet.on_neighbour("g/a", true, machine.now);
    CHECK(machine.state("g/a") == TargetState::healthy);
    machine.fleet.on_neighbour("g/z", false, machine.now); // of nobody
    machine.probe("g/z", ProbeOutcome::ok);
    CHECK(machine.fleet.members().size() == 2);
}

TEST_CASE("fleet: a drain that an earlier daemon began goes on", "[node]") {
    Machine machine;
    machine.set(manifest_of({"a"}));
    TargetEntry member{
        "old", "old/x", 9, 5, {}, TargetHealth({}, machine.now), machine.now + 300s, FailurePolicy::rehash};
    (void)member.health.set_draining(Draining::deregistered, machine.now);
    machine.fleet.adopt_removed(member);
    CHECK(machine.word("old/x") == keeps);
    machine.set(manifest_of({"a"}));
    CHECK(machine.fleet.has_group("old"));
    machine.now += 300s;
    CHECK(machine.finish(1) == std::vector<std::string>{"old/x"});
    CHECK_FALSE(machine.fleet.has_group("old"));
}

TEST_CASE("fleet: a drain that an earlier daemon began holds its flows where its group says so", "[node]") {
    Machine machine;
    machine.set(manifest_of({"a"}, FailurePolicy::hold));
    TargetEntry member{
        "g", "g/x", 9, 0, {}, TargetHealth({}, machine.now), machine.now + 300s, FailurePolicy::rehash};
    (void)member.health.set_draining(Draining::deregistered, machine.now);
    machine.fleet.adopt_removed(member);
    machine.now += 300s;
    CHECK(machine.finish(1).empty());
    CHECK(machine.word("g/x") == GLB_TARGET_KEEP_ESTABLISHED);
    CHECK(machine.finish(0) == std::vector<std::string>{"g/x"});
}

TEST_CASE("fleet: a change that failed is undone, but for what has failed meanwhile", "[node]") {
    Machine machine;
    machine.set(manifest_of({"a", "b", "c"}));
    for (const char *name : {"g/a", "g/b", "g/c"})
        machine.probe(name, ProbeOutcome::ok);
    const auto before = machine.fleet;
    machine.set(manifest_of({"a", "d"}));
    machine.probe("g/a", ProbeOutcome::timeout, 3);
    machine.probe("g/b", ProbeOutcome::timeout, 3);
    machine.fleet.restore_from(before, machine.now);
    CHECK(machine.state("g/a") == TargetState::unhealthy);
    CHECK(machine.state("g/b") == TargetState::unhealthy); // and drains no more
    CHECK_FALSE(machine.fleet.members().at("g/b").drain_until);
    CHECK(machine.state("g/c") == TargetState::healthy);
    CHECK_FALSE(machine.fleet.members().contains("g/d"));
    machine.probe("g/a", ProbeOutcome::ok, 5);
    CHECK(machine.state("g/a") == TargetState::healthy);
}
