#include "controller/health/return_watch.h"
#include "tests/unit/health/registry_fixture.h"

using namespace glb;
using namespace glb::health;
using namespace glb::test;

namespace {

/// Targets a, b, c of "g" with the indexes 0 to 2, and their counters.
struct WatchFixture : RegistryFixture {
    ReturnWatch watch;
    std::map<std::uint16_t, glb_target_count> counts;

    WatchFixture() {
        set(config_of({"a", "b", "c"}));
        for (const auto *name : {"g/a", "g/b", "g/c"})
            probe(name, ProbeOutcome::ok);
        (void)second({});
    }
    /// A second passes, in which each of `out` sent 10 packets and each of `back` returned 10.
    std::vector<std::string> second(const std::set<std::uint16_t> &out,
                                    const std::set<std::uint16_t> &back = {}) {
        now += 1s;
        for (const auto target : out)
            counts[target].outbound.packets += 10;
        for (const auto target : back)
            counts[target].returned.packets += 10;
        return watch.update(
            registry, [this](std::uint16_t target) { return std::optional(counts[target]); }, now);
    }
    const GroupCondition &group() { return watch.groups().at("g"); }
};

using Lines = std::vector<std::string>;

} // namespace

TEST_CASE("return watch: healthy target that returns nothing is visible with time and packets", "[health]") {
    WatchFixture it;
    CHECK(it.second({0, 1}, {0, 1}).empty());
    CHECK(it.second({0, 1}, {1}).empty());
    const auto began = it.now;
    CHECK(it.second({0, 1}, {1}).empty());
    CHECK_FALSE(it.watch.silence(0)); // 20 packets, but 1 s
    CHECK(it.second({0, 1}, {1}) == Lines{"target g/a: nothing returns: 30 packets sent in 2 s"});
    CHECK(it.watch.silence(0) == Silence{began, 30});
    CHECK_FALSE(it.watch.silence(1));
    CHECK_FALSE(it.watch.silence(2)); // without traffic
    CHECK_FALSE(it.group().silent_since);
    CHECK(it.state("g/a") == TargetState::healthy);
    CHECK(it.second({0, 1}, {1}).empty()); // once
    CHECK(it.watch.silence(0) == Silence{began, 40});
    CHECK(it.second({0, 1}, {0, 1}) == Lines{"target g/a: packets return again"});
    CHECK_FALSE(it.watch.silence(0));
}

TEST_CASE("return watch: a few packets say nothing, and a target without traffic is not silent", "[health]") {
    WatchFixture it;
    CHECK(it.second({0}).empty());
    for (int i = 0; i < 20; ++i)
        CHECK(it.second({}).empty()); // 10 packets, long ago
    CHECK(it.second({0}) == Lines{"target g/a: nothing returns: 20 packets sent in 21 s",
                                  "group g: nothing returns from any target with traffic"});
    Lines lines;
    for (int i = 0; i < 31; ++i)
        for (const auto &line : it.second({}))
            lines.push_back(line);
    CHECK(lines == Lines{"target g/a: no more packets are sent to it",
                         "group g: packets return from a target, or none are sent"});
    CHECK_FALSE(it.watch.silence(0));
    CHECK(it.second({0}).empty()); // counts anew
}

TEST_CASE("return watch: silence of all targets with traffic is a condition of the group", "[health]") {
    WatchFixture it;
    (void)it.second({0, 1}, {0, 1});
    for (int i = 0; i < 3; ++i)
        (void)it.second({0, 1});
    CHECK(it.group().silent_since == it.now);
    const auto began = it.now;
    (void)it.second({0, 1});
    CHECK(it.group().silent_since == began);
    (void)it.second({0, 1}, {1});
    CHECK_FALSE(it.group().silent_since);
    CHECK(it.watch.silence(0));
}

TEST_CASE("return watch: a group without a healthy target has the time since when", "[health]") {
    WatchFixture it;
    CHECK_FALSE(it.group().no_healthy_since);
    for (const auto *name : {"g/a", "g/b", "g/c"})
        it.probe(name, ProbeOutcome::timeout, 3);
    (void)it.second({});
    CHECK(it.group().no_healthy_since == it.now);
    const auto began = it.now;
    (void)it.second({});
    CHECK(it.group().no_healthy_since == began);
    it.probe("g/b", ProbeOutcome::ok, 3);
    (void)it.second({});
    CHECK_FALSE(it.group().no_healthy_since);
    auto config = config_of({"a"});
    config.groups[0].endpoints.clear();
    it.set(config);
    (void)it.second({});
    CHECK(it.watch.groups().empty()); // not in use
}
