#include "registry_fixture.h"

using namespace glb;
using namespace glb::test;

namespace {

void make_healthy(Machine &machine, const Manifest &manifest) {
    machine.set(manifest);
    for (const auto &target : manifest.target_groups[0].targets)
        machine.probe("g/" + target.id, ProbeOutcome::ok);
}

int code_of(const Status &status) {
    return status ? 0 : status.error().code;
}

} // namespace

TEST_CASE("drains: by order a target takes no new flows, keeps those it has, and comes back by undrain",
          "[node]") {
    Machine machine;
    make_healthy(machine, manifest_of({"a", "b"}));
    REQUIRE(machine.fleet.drain("g/b", false, machine.now));
    CHECK(machine.state("g/b") == TargetState::draining);
    CHECK(machine.word("g/b") == keeps);
    CHECK(machine.fleet.operator_drains() == std::vector<std::string>{"g/b"});
    machine.now += 40s;
    REQUIRE(machine.fleet.drain("g/b", false, machine.now)); // a second order changes nothing
    CHECK(machine.fleet.members().at("g/b").ordered_until == machine.now + 60s);
    machine.set(manifest_of({"a", "b"})); // an apply does not end it
    CHECK(machine.state("g/b") == TargetState::draining);
    CHECK(machine.finish(0).empty()); // it does not leave
    REQUIRE(machine.fleet.undrain("g/b", machine.now));
    CHECK(machine.state("g/b") == TargetState::healthy);
    CHECK(machine.word("g/b") == (keeps | GLB_TARGET_ACCEPT_NEW));
    REQUIRE(machine.fleet.undrain("g/b", machine.now));
    CHECK(code_of(machine.fleet.drain("g/z", false, machine.now)) == ENOENT);
    CHECK(code_of(machine.fleet.undrain("g/z", machine.now)) == ENOENT);
}

TEST_CASE("drains: after the delay the policy of deregistered targets decides over an ordered one's flows",
          "[node]") {
    const auto policy = GENERATE(FailurePolicy::hold, FailurePolicy::rehash, FailurePolicy::reset);
    Machine machine;
    make_healthy(machine, manifest_of({"a", "b"}, policy));
    REQUIRE(machine.fleet.drain("g/b", false, machine.now));
    machine.now += 99s;
    CHECK(machine.word("g/b") == keeps);
    machine.now += 1s;
    CHECK(machine.word("g/b") == final_target_state(policy));
}

TEST_CASE("drains: a target that holds its flows beyond its drain gives them away when it dies", "[node]") {
    const auto policy = GENERATE(FailurePolicy::hold, FailurePolicy::rehash, FailurePolicy::reset);
    Machine machine;
    auto manifest = manifest_of({"a", "b", "c"}, FailurePolicy::hold);
    manifest.target_groups[0].on_unhealthy = policy;
    make_healthy(machine, manifest);
    REQUIRE(machine.fleet.drain("g/b", false, machine.now));
    manifest.target_groups[0].targets.pop_back(); // and c is removed
    machine.set(manifest);
    machine.now += 101s;
    for (const auto *name : {"g/b", "g/c"}) {
        CHECK(machine.word(name) == GLB_TARGET_KEEP_ESTABLISHED);
        machine.probe(name, ProbeOutcome::timeout, 3);
        CHECK(machine.word(name) == final_target_state(policy));
        machine.probe(name, ProbeOutcome::ok, 3);
        CHECK(machine.word(name) == GLB_TARGET_KEEP_ESTABLISHED);
    }
}

TEST_CASE("drains: a target that dies while it drains gives its flows away like any other", "[node]") {
    const auto policy = GENERATE(FailurePolicy::hold, FailurePolicy::rehash, FailurePolicy::reset);
    Machine machine;
    auto manifest = manifest_of({"a", "b", "c"});
    manifest.target_groups[0].on_unhealthy = policy;
    make_healthy(machine, manifest);
    REQUIRE(machine.fleet.drain("g/b", false, machine.now));
    manifest.target_groups[0].targets.pop_back(); // and c is removed
    machine.set(manifest);
    for (const auto *name : {"g/b", "g/c"}) {
        machine.probe(name, ProbeOutcome::timeout, 3);
        CHECK(machine.state(name) == TargetState::draining);
        CHECK(machine.word(name) == final_target_state(policy));
        machine.probe(name, ProbeOutcome::ok, 3);
        CHECK(machine.word(name) == keeps);
    }
}

TEST_CASE("drains: the last target that takes flows needs force", "[node]") {
    Machine machine;
    make_healthy(machine, manifest_of({"a", "b", "c"}));
    REQUIRE(machine.fleet.drain("g/a", false, machine.now));
    machine.probe("g/b", ProbeOutcome::timeout, 3);
    CHECK(code_of(machine.fleet.drain("g/c", false, machine.now)) == EBUSY); // b is down
    CHECK(machine.state("g/c") == TargetState::healthy);
    REQUIRE(machine.fleet.drain("g/b", false, machine.now)); // c is left
    CHECK(code_of(machine.fleet.drain("g/c", false, machine.now)) == EBUSY);
    REQUIRE(machine.fleet.drain("g/c", true, machine.now));
    auto manifest = manifest_of({"a", "b"});
    manifest.target_groups[0].targets[0].weight = 0;
    Machine other;
    make_healthy(other, manifest);
    CHECK(code_of(other.fleet.drain("g/b", false, other.now)) == EBUSY); // a has weight 0
}

TEST_CASE("drains: an order outlives the daemon with its time", "[node]") {
    Machine earlier;
    make_healthy(earlier, manifest_of({"a", "b", "c"}));
    CHECK(earlier.fleet.drains().is_null());
    REQUIRE(earlier.fleet.drain("g/b", false, earlier.now));
    Machine later;
    later.now = earlier.now + 30s;
    later.fleet.set_drains(earlier.fleet.drains());
    make_healthy(later, manifest_of({"a", "b"}));
    CHECK(later.state("g/b") == TargetState::draining);
    CHECK(later.fleet.members().at("g/b").ordered_until == earlier.now + 100s);
    CHECK(later.fleet.drains() == earlier.fleet.drains());
}

TEST_CASE("drains: a target that is removed while it drains by order has no more time for that", "[node]") {
    Machine machine;
    make_healthy(machine, manifest_of({"a", "b"}));
    REQUIRE(machine.fleet.drain("g/b", false, machine.now));
    machine.now += 70s;
    machine.set(manifest_of({"a"}));
    CHECK(machine.fleet.members().at("g/b").drain_until == machine.now + 30s);
    CHECK(code_of(machine.fleet.undrain("g/b", machine.now)) == ENOENT);
    machine.set(manifest_of({"a", "b"})); // back again: the order still stands
    CHECK(machine.state("g/b") == TargetState::draining);
    machine.set(manifest_of({"a"}));
    CHECK(machine.finish(0) == std::vector<std::string>{"g/b"});
    machine.set(manifest_of({"a", "b"})); // it had left, and the order with it
    CHECK(machine.state("g/b") == TargetState::initial);
}

TEST_CASE("drains: an adopted removal goes on with its time and policy", "[node]") {
    Machine earlier;
    make_healthy(earlier, manifest_of({"a", "b"}, FailurePolicy::reset));
    earlier.set(manifest_of({"a"}, FailurePolicy::rehash));
    Machine later;
    later.now = earlier.now + 90s;
    later.fleet.set_drains(earlier.fleet.drains());
    later.set(manifest_of({"a"}));
    TargetEntry found{
        "g", "g/b", 1, 0, {}, TargetHealth({}, later.now), later.now + 300s, FailurePolicy::rehash};
    (void)found.health.set_draining(Draining::deregistered, later.now);
    later.fleet.adopt_removed(found);
    CHECK(later.fleet.members().at("g/b").drain_until == earlier.now + 100s);
    CHECK(later.word("g/b") == keeps);
    later.now += 10s;
    CHECK(later.word("g/b") == GLB_TARGET_RESET);
    CHECK(later.finish(1) == std::vector<std::string>{"g/b"});
    CHECK(later.left.at(0).word == GLB_TARGET_RESET); // for the flows that still name it
}

TEST_CASE("drains: of another boot they are over, and what makes no sense is passed over", "[node]") {
    Machine earlier;
    make_healthy(earlier, manifest_of({"a", "b"}));
    REQUIRE(earlier.fleet.drain("g/b", false, earlier.now));
    auto kept = earlier.fleet.drains();
    kept["ordered"]["g/b"]["until"]["boot"] = "another";
    Machine later;
    later.fleet.set_drains(kept);
    make_healthy(later, manifest_of({"a", "b"}));
    CHECK(later.state("g/b") == TargetState::draining);
    CHECK(later.word("g/b") == 0);

    Machine unmoved;
    unmoved.fleet.set_drains(7);
    unmoved.fleet.set_drains({{"ordered", 1}, {"removed", {{"g/a", 2}}}});
    make_healthy(unmoved, manifest_of({"a", "b"}));
    CHECK(unmoved.fleet.drains().is_null());
}
