#include "registry_fixture.h"

using namespace glb;
using namespace glb::test;

namespace {

void make_healthy(RegistryFixture &it, const HealthConfig &config) {
    it.set(config);
    for (const auto &target : config.groups[0].targets)
        it.probe("g/" + target.id, ProbeOutcome::ok);
}

int code_of(const Status &status) {
    return status ? 0 : status.error().code;
}

} // namespace

TEST_CASE("drains: by order a target takes no new flows, keep_all those it has, and comes back by undrain",
          "[node]") {
    RegistryFixture it;
    make_healthy(machine, config_of({"a", "b"}));
    REQUIRE(it.registry.drain("g/b", false, it.now));
    CHECK(it.state("g/b") == TargetState::draining);
    CHECK(it.flags("g/b") == keep_all);
    CHECK(it.registry.operator_drains() == std::vector<std::string>{"g/b"});
    it.now += 40s;
    REQUIRE(it.registry.drain("g/b", false, it.now)); // a second order changes nothing
    CHECK(it.registry.entries().at("g/b").operator_drain_until == it.now + 60s);
    it.set(config_of({"a", "b"})); // an apply does not end it
    CHECK(it.state("g/b") == TargetState::draining);
    CHECK(it.remove_drained(0).empty()); // it does not leave
    REQUIRE(it.registry.undrain("g/b", it.now));
    CHECK(it.state("g/b") == TargetState::healthy);
    CHECK(it.flags("g/b") == (keep_all | GLB_TARGET_ACCEPT_NEW));
    REQUIRE(it.registry.undrain("g/b", it.now));
    CHECK(code_of(it.registry.drain("g/z", false, it.now)) == ENOENT);
    CHECK(code_of(it.registry.undrain("g/z", it.now)) == ENOENT);
}

TEST_CASE("drains: after the delay the policy of deregistered targets decides over an ordered one's flows",
          "[node]") {
    const auto policy = GENERATE(FailurePolicy::hold, FailurePolicy::rehash, FailurePolicy::reset);
    RegistryFixture it;
    make_healthy(machine, config_of({"a", "b"}, policy));
    REQUIRE(it.registry.drain("g/b", false, it.now));
    it.now += 99s;
    CHECK(it.flags("g/b") == keep_all);
    it.now += 1s;
    CHECK(it.flags("g/b") == final_target_state(policy));
}

TEST_CASE("drains: a target that holds its flows beyond its drain gives them away when it dies", "[node]") {
    const auto policy = GENERATE(FailurePolicy::hold, FailurePolicy::rehash, FailurePolicy::reset);
    RegistryFixture it;
    auto config = config_of({"a", "b", "c"}, FailurePolicy::hold);
    config.groups[0].on_unhealthy = policy;
    make_healthy(machine, config);
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

TEST_CASE("drains: a target that dies while it drains gives its flows away like any other", "[node]") {
    const auto policy = GENERATE(FailurePolicy::hold, FailurePolicy::rehash, FailurePolicy::reset);
    RegistryFixture it;
    auto config = config_of({"a", "b", "c"});
    config.groups[0].on_unhealthy = policy;
    make_healthy(machine, config);
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

TEST_CASE("drains: the last target that takes flows needs force", "[node]") {
    RegistryFixture it;
    make_healthy(machine, config_of({"a", "b", "c"}));
    REQUIRE(it.registry.drain("g/a", false, it.now));
    it.probe("g/b", ProbeOutcome::timeout, 3);
    CHECK(code_of(it.registry.drain("g/c", false, it.now)) == EBUSY); // b is down
    CHECK(it.state("g/c") == TargetState::healthy);
    REQUIRE(it.registry.drain("g/b", false, it.now)); // c is left
    CHECK(code_of(it.registry.drain("g/c", false, it.now)) == EBUSY);
    REQUIRE(it.registry.drain("g/c", true, it.now));
    auto config = config_of({"a", "b"});
    config.groups[0].targets[0].weight = 0;
    RegistryFixture other;
    make_healthy(other, config);
    CHECK(code_of(other.registry.drain("g/b", false, other.now)) == EBUSY); // a has weight 0
}

TEST_CASE("drains: an order outlives the daemon with its time", "[node]") {
    RegistryFixture earlier;
    make_healthy(earlier, config_of({"a", "b", "c"}));
    CHECK(earlier.registry.drains().is_null());
    REQUIRE(earlier.registry.drain("g/b", false, earlier.now));
    RegistryFixture later;
    later.now = earlier.now + 30s;
    later.registry.set_drains(earlier.registry.drains());
    make_healthy(later, config_of({"a", "b"}));
    CHECK(later.state("g/b") == TargetState::draining);
    CHECK(later.registry.members().at("g/b").operator_drain_until == earlier.now + 100s);
    CHECK(later.registry.drains() == earlier.registry.drains());
}

TEST_CASE("drains: a target that is removed while it drains by order has no more time for that", "[node]") {
    RegistryFixture it;
    make_healthy(machine, config_of({"a", "b"}));
    REQUIRE(it.registry.drain("g/b", false, it.now));
    it.now += 70s;
    it.set(config_of({"a"}));
    CHECK(it.registry.entries().at("g/b").drain_until == it.now + 30s);
    CHECK(code_of(it.registry.undrain("g/b", it.now)) == ENOENT);
    it.set(config_of({"a", "b"})); // back again: the order still stands
    CHECK(it.state("g/b") == TargetState::draining);
    it.set(config_of({"a"}));
    CHECK(it.remove_drained(0) == std::vector<std::string>{"g/b"});
    it.set(config_of({"a", "b"})); // it had left, and the order with it
    CHECK(it.state("g/b") == TargetState::initial);
}

TEST_CASE("drains: an adopted removal goes on with its time and policy", "[node]") {
    RegistryFixture earlier;
    make_healthy(earlier, config_of({"a", "b"}, FailurePolicy::reset));
    earlier.set(config_of({"a"}, FailurePolicy::rehash));
    RegistryFixture later;
    later.now = earlier.now + 90s;
    later.registry.set_drains(earlier.registry.drains());
    later.set(config_of({"a"}));
    TargetEntry found{
        "g", "g/b", 1, 0, {}, TargetHealth({}, later.now), later.now + 300s, FailurePolicy::rehash};
    (void)found.health.set_draining(Draining::deregistered, later.now);
    later.registry.adopt_removed(found);
    CHECK(later.registry.members().at("g/b").drain_until == earlier.now + 100s);
    CHECK(later.word("g/b") == keep_all);
    later.now += 10s;
    CHECK(later.word("g/b") == GLB_TARGET_RESET);
    CHECK(later.finish(1) == std::vector<std::string>{"g/b"});
    CHECK(later.left.at(0).word == GLB_TARGET_RESET); // for the flows that still name it
}

TEST_CASE("drains: of another boot they are over, and what makes no sense is passed over", "[node]") {
    RegistryFixture earlier;
    make_healthy(earlier, config_of({"a", "b"}));
    REQUIRE(earlier.registry.drain("g/b", false, earlier.now));
    auto kept = earlier.registry.drains();
    kept["ordered"]["g/b"]["until"]["boot"] = "another";
    RegistryFixture later;
    later.registry.set_drains(kept);
    make_healthy(later, config_of({"a", "b"}));
    CHECK(later.state("g/b") == TargetState::draining);
    CHECK(later.word("g/b") == 0);

    RegistryFixture unmoved;
    unmoved.registry.set_drains(7);
    unmoved.registry.set_drains({{"ordered", 1}, {"removed", {{"g/a", 2}}}});
    make_healthy(unmoved, config_of({"a", "b"}));
    CHECK(unmoved.registry.drains().is_null());
}
