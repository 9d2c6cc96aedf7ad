#include "registry_fixture.h"

using namespace glb;
using namespace glb::config;
using namespace glb::health;
using namespace glb::test;

namespace {

void make_healthy(RegistryFixture &it, const HealthConfig &config) {
    it.set(config);
    for (const auto &target : config.groups[0].targets)
        it.probe("g/" + target.id, ProbeOutcome::ok);
}

} // namespace

TEST_CASE("operator drain: target keeps its flows and accepts new ones after undrain", "[drains]") {
    RegistryFixture it;
    make_healthy(it, config_of({"a", "b"}));
    REQUIRE(it.registry.drain("g/b", false, it.now));
    CHECK(it.state("g/b") == TargetState::draining);
    CHECK(it.flags("g/b") == keep_all);
    CHECK(it.registry.persisted().operator_drains ==
          std::map<std::string, MonotonicTime>{{"g/b", it.now + 100s}});
    it.now += 40s;
    REQUIRE(it.registry.drain("g/b", false, it.now)); // no effect
    CHECK(it.registry.entries().at("g/b").operator_drain_until == it.now + 60s);
    it.set(config_of({"a", "b"})); // a configuration does not end it
    CHECK(it.state("g/b") == TargetState::draining);
    CHECK(it.remove_drained(0).empty()); // it is not removed
    REQUIRE(it.registry.undrain("g/b", it.now));
    CHECK(it.state("g/b") == TargetState::healthy);
    CHECK(it.flags("g/b") == (keep_all | GLB_TARGET_ACCEPT_NEW));
    REQUIRE(it.registry.undrain("g/b", it.now));
    CHECK(code_of(it.registry.drain("g/z", false, it.now)) == ENOENT);
    CHECK(code_of(it.registry.undrain("g/z", it.now)) == ENOENT);
}

TEST_CASE("operator drain: at the deadline onDeregistered applies to the remaining flows", "[drains]") {
    const auto policy = GENERATE(FailurePolicy::hold, FailurePolicy::rehash, FailurePolicy::reset);
    RegistryFixture it;
    make_healthy(it, config_of({"a", "b"}, policy));
    REQUIRE(it.registry.drain("g/b", false, it.now));
    it.now += 99s;
    CHECK(it.flags("g/b") == keep_all);
    it.now += 1s;
    CHECK(it.flags("g/b") == final_target_state(policy));
}

TEST_CASE("operator drain: a failed target does not hold flows beyond its deadline", "[drains]") {
    const auto policy = GENERATE(FailurePolicy::hold, FailurePolicy::rehash, FailurePolicy::reset);
    RegistryFixture it;
    auto config = config_of({"a", "b", "c"}, FailurePolicy::hold);
    config.groups[0].on_unhealthy = policy;
    make_healthy(it, config);
    REQUIRE(it.registry.drain("g/b", false, it.now));
    config.groups[0].targets.pop_back(); // and c is removed
    it.set(config);
    it.now += 101s;
    for (const auto *name : {"g/b", "g/c"}) {
        CHECK(it.flags(name) == GLB_TARGET_KEEP_ESTABLISHED);
        it.probe(name, ProbeOutcome::timeout, 3);
        CHECK(it.flags(name) == final_target_state(policy));
        it.probe(name, ProbeOutcome::ok, 3);
        CHECK(it.flags(name) == GLB_TARGET_KEEP_ESTABLISHED);
    }
}

TEST_CASE("drain: onUnhealthy applies to a target that fails while draining", "[drains]") {
    const auto policy = GENERATE(FailurePolicy::hold, FailurePolicy::rehash, FailurePolicy::reset);
    RegistryFixture it;
    auto config = config_of({"a", "b", "c"});
    config.groups[0].on_unhealthy = policy;
    make_healthy(it, config);
    REQUIRE(it.registry.drain("g/b", false, it.now));
    config.groups[0].targets.pop_back(); // and c is removed
    it.set(config);
    for (const auto *name : {"g/b", "g/c"}) {
        it.probe(name, ProbeOutcome::timeout, 3);
        CHECK(it.state(name) == TargetState::draining);
        CHECK(it.flags(name) == final_target_state(policy));
        it.probe(name, ProbeOutcome::ok, 3);
        CHECK(it.flags(name) == keep_all);
    }
}

TEST_CASE("operator drain: the last target that accepts flows requires force", "[drains]") {
    RegistryFixture it;
    make_healthy(it, config_of({"a", "b", "c"}));
    REQUIRE(it.registry.drain("g/a", false, it.now));
    it.probe("g/b", ProbeOutcome::timeout, 3);
    CHECK(code_of(it.registry.drain("g/c", false, it.now)) == EBUSY); // b is down
    CHECK(it.state("g/c") == TargetState::healthy);
    REQUIRE(it.registry.drain("g/b", false, it.now)); // c remains
    CHECK(code_of(it.registry.drain("g/c", false, it.now)) == EBUSY);
    REQUIRE(it.registry.drain("g/c", true, it.now));
    auto config = config_of({"a", "b"});
    config.groups[0].targets[0].weight = 0;
    RegistryFixture other;
    make_healthy(other, config);
    CHECK(code_of(other.registry.drain("g/b", false, other.now)) == EBUSY); // a has weight 0
}

TEST_CASE("operator drain: deadline survives daemon restart", "[drains]") {
    RegistryFixture earlier;
    make_healthy(earlier, config_of({"a", "b", "c"}));
    CHECK(earlier.registry.persisted().operator_drains.empty());
    CHECK(earlier.registry.persisted().removed.empty());
    REQUIRE(earlier.registry.drain("g/b", false, earlier.now));
    RegistryFixture later;
    later.now = earlier.now + 30s;
    later.registry.restore(earlier.registry.persisted());
    make_healthy(later, config_of({"a", "b"}));
    CHECK(later.state("g/b") == TargetState::draining);
    CHECK(later.entry("g/b").operator_drain_until == earlier.now + 100s);
    CHECK(later.registry.persisted().operator_drains == earlier.registry.persisted().operator_drains);
    CHECK(later.registry.persisted().removed == earlier.registry.persisted().removed);
}

TEST_CASE("drain: removal keeps the earlier deadline of an operator drain", "[drains]") {
    RegistryFixture it;
    make_healthy(it, config_of({"a", "b"}));
    REQUIRE(it.registry.drain("g/b", false, it.now));
    it.now += 70s;
    it.set(config_of({"a"}));
    CHECK(it.registry.entries().at("g/b").drain_until == it.now + 30s);
    CHECK(code_of(it.registry.undrain("g/b", it.now)) == ENOENT);
    it.set(config_of({"a", "b"})); // the operator drain still applies
    CHECK(it.state("g/b") == TargetState::draining);
    it.set(config_of({"a"}));
    CHECK(it.remove_drained(0) == std::vector<std::string>{"g/b"});
    it.set(config_of({"a", "b"})); // the drain ended with the removal
    CHECK(it.state("g/b") == TargetState::initial);
}

TEST_CASE("drain: deadline and policy of a removed target survive daemon restart", "[drains]") {
    RegistryFixture earlier;
    make_healthy(earlier, config_of({"a", "b"}, FailurePolicy::reset));
    earlier.set(config_of({"a"}, FailurePolicy::rehash));
    RegistryFixture later;
    later.now = earlier.now + 90s;
    later.registry.restore(earlier.registry.persisted());
    later.set(config_of({"a"}));
    later.registry.adopt({"g", 0, target_at("b", 1), "g/b"}, later.now);
    CHECK(later.entry("g/b").drain_until == earlier.now + 100s);
    CHECK(later.flags("g/b") == keep_all);
    later.now += 10s;
    CHECK(later.flags("g/b") == GLB_TARGET_RESET);
    CHECK(later.remove_drained(1) == std::vector<std::string>{"g/b"});
    CHECK(later.removed.at(0).state == GLB_TARGET_RESET); // for the flows that still name it
}
