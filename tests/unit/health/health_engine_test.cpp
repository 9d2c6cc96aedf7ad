// HealthEngine: changes of configuration, and writes that fail.
#include "tests/unit/health/engine_fixture.h"

#include <algorithm>

using namespace glb;
using namespace glb::health;
using namespace glb::test;

using Writes = std::vector<std::string>;

namespace {

constexpr std::array<std::uint16_t, 3> initial_indexes = {0, 1, 2}; // of apply_healthy()

} // namespace

TEST_CASE("engine: stage writes only rows of new targets and groups, commit the others", "[engine]") {
    EngineFixture it;
    it.apply_healthy();
    CHECK(it.port->maps.targets ==
          std::map<std::uint16_t, std::uint64_t>{{0, accept_all}, {1, accept_all}, {2, accept_all}});
    const auto before = it.port->maps;

    auto config = engine_config(2, {"a", "b", "d"}); // c is removed
    config.groups.push_back(unprobed_group("h", {"a"}, 1));
    it.port->clear_writes();
    REQUIRE(it.engine.stage(config));
    CHECK(it.port->writes == Writes{"target 3", "target 100", "fallback 1", "action 1"});
    CHECK(it.port->maps.targets.at(2) == accept_all);
    CHECK(it.port->maps.fallbacks.at(0) == before.fallbacks.at(0));
    CHECK(it.engine.snapshot()->generation == 1);
    CHECK_FALSE(it.engine.snapshot()->find("g/d"));

    it.port->clear_writes();
    REQUIRE(it.engine.commit(2, {}));
    CHECK(it.port->writes == Writes{"target 2", "fallback 0"});
    CHECK(it.port->maps.targets.at(2) == keep_all);
    CHECK(it.engine.snapshot()->generation == 2);
    CHECK(it.state("g/c") == TargetState::draining);
    CHECK(it.state("g/d") == TargetState::initial);
    CHECK(it.wrong_rows("g/a").empty());
}

TEST_CASE("engine: an unchanged configuration writes nothing", "[engine]") {
    EngineFixture it;
    it.apply_healthy();
    it.port->clear_writes();
    it.apply(engine_config(2, {"a", "b", "c"}));
    CHECK(it.port->writes.empty());
}

TEST_CASE("engine: rows of an aborted change are not trusted by a later one", "[engine]") {
    EngineFixture it;
    it.apply_healthy();
    auto config = engine_config(2, {"a", "b", "c", "d"});
    config.groups.push_back(unprobed_group("h", {"a"}, 1));
    REQUIRE(it.engine.stage(config));
    it.engine.abort(2);
    CHECK_FALSE(it.engine.commit(2, {}));
    CHECK(it.engine.snapshot()->generation == 1);

    // The indexes belong to another target and group now.
    config = engine_config(4, {"a", "b", "c"});
    config.groups.push_back(unprobed_group("k", {"d"}, 1));
    config.groups[1].targets[0].index = 3;
    config.groups[1].policy.checks_enabled = false;
    it.port->maps.targets[3] = 0;
    it.port->maps.actions.erase(1);
    it.port->maps.fallbacks.erase(1);
    it.port->clear_writes();
    REQUIRE(it.engine.stage(config));
    CHECK(it.port->writes == Writes{"target 3", "fallback 1", "action 1"});
    CHECK(it.port->maps.targets.at(3) == accept_all);
    REQUIRE(it.engine.commit(4, {}));
    CHECK(it.wrong_rows("g/a").empty());
}

TEST_CASE("engine: stage replaces a change that was staged before", "[engine]") {
    EngineFixture it;
    it.apply_healthy();
    REQUIRE(it.engine.stage(engine_config(2, {"a", "b", "c", "d"})));
    auto other = engine_config(3, {"a", "b", "c", "e"});
    other.groups[0].targets[3].index = 3; // of the target that is not added now
    it.port->maps.targets[3] = GLB_TARGET_RESET;
    REQUIRE(it.engine.stage(other));
    CHECK(it.port->maps.targets.at(3) == keep_all);
    CHECK_FALSE(it.engine.commit(2, {}));
    REQUIRE(it.engine.commit(3, {}));
    CHECK_FALSE(it.engine.snapshot()->find("g/d"));
    CHECK(it.wrong_rows("g/a").empty());
}

TEST_CASE("engine: commit and abort require the staged generation", "[engine]") {
    EngineFixture it;
    it.apply_healthy();
    CHECK_FALSE(it.engine.commit(1, {})); // committed already
    REQUIRE(it.engine.stage(engine_config(5, {"a"})));
    const auto wrong = it.engine.commit(4, {});
    REQUIRE_FALSE(wrong);
    CHECK(wrong.error().message == "configuration 4 is not staged");
    it.engine.abort(4); // no effect
    CHECK(it.engine.snapshot()->generation == 1);
    REQUIRE(it.engine.commit(5, {}));
    CHECK(it.engine.snapshot()->generation == 5);
    CHECK_FALSE(it.engine.commit(5, {}));
}

TEST_CASE("engine: stage and commit fail without a loaded data path", "[engine]") {
    EngineFixture it;
    it.engine.attach(nullptr);
    CHECK_FALSE(it.engine.stage(engine_config(1, {"a"})));
    it.engine.attach(it.port);
    REQUIRE(it.engine.stage(engine_config(1, {"a"})));
    it.engine.attach(nullptr);
    CHECK_FALSE(it.engine.commit(1, {}));
}

TEST_CASE("engine: a failure of any write of stage leaves nothing staged", "[engine]") {
    const auto config = [] {
        auto made = engine_config(2, {"a", "b", "d", "e"});
        made.groups.push_back(unprobed_group("h", {"a", "b"}, 1));
        return made;
    }();
    for (int n = 0;; ++n) {
        INFO("write " << n);
        EngineFixture it;
        it.apply_healthy();
        const auto before = it.port->maps;
        it.port->fail_nth_write(n);
        const auto staged = it.engine.stage(config);
        if (staged) {
            CHECK(n == 6);
            break;
        }
        CHECK(staged.error().message.find("injected") != std::string::npos);
        CHECK_FALSE(it.engine.commit(2, {}));
        CHECK(it.engine.snapshot()->generation == 1);
        for (const auto index : initial_indexes)
            CHECK(it.port->maps.targets.at(index) == before.targets.at(index));
        // The next change writes all of its rows, whatever this one has written.
        auto next = config;
        next.generation = 3;
        for (const auto index : std::to_array<std::uint16_t>({3, 4, 100, 101}))
            it.port->maps.targets[index] = GLB_TARGET_RESET;
        it.apply(next);
        CHECK(it.wrong_rows("g/a").empty());
    }
}

TEST_CASE("engine: a failure of any write of commit keeps the previous configuration", "[engine]") {
    const int failures = GENERATE(1, 1000);
    for (int n = 0;; ++n) {
        INFO("write " << n << ", failures " << failures);
        EngineFixture it;
        it.apply_healthy();
        auto config = engine_config(2, {"a", "d"}); // b and c are removed
        config.groups.push_back(unprobed_group("h", {"a"}, 1));
        REQUIRE(it.engine.stage(config));
        REQUIRE(it.engine.drain("g/c", false));
        it.engine.on_neighbours({{"g/a", false}}); // a transition between stage and commit
        CHECK(it.port->maps.targets.at(0) == 0);
        const auto before = it.port->maps;
        it.port->fail_nth_write(n, failures);
        const auto committed = it.engine.commit(2, {});
        if (committed) {
            CHECK(n >= 2);
            CHECK(it.state("g/a") == TargetState::unhealthy);
            break;
        }
        CHECK(committed.error().message.find("injected") != std::string::npos);
        CHECK(it.engine.snapshot()->generation == 1);
        it.port->succeed();
        // Rows that could not be restored at once are written by the periodic refresh.
        REQUIRE(it.run_until([&] { return it.engine.snapshot()->write_error.empty(); }));
        CHECK(it.state("g/a") == TargetState::unhealthy);
        CHECK(it.state("g/b") == TargetState::healthy);
        CHECK(it.state("g/c") == TargetState::draining);
        CHECK_FALSE(it.engine.snapshot()->find("g/d"));
        for (const auto index : initial_indexes)
            CHECK(it.port->maps.targets.at(index) == before.targets.at(index));
        CHECK(it.port->maps.actions.at(0) == before.actions.at(0));
        CHECK(it.port->maps.fallbacks.at(0) == before.fallbacks.at(0));

        if (n % 2 == 0) { // the change is still staged
            REQUIRE(it.engine.commit(2, {}));
            CHECK(it.state("g/b") == TargetState::draining);
        } else {
            it.engine.abort(2);
            CHECK_FALSE(it.engine.commit(2, {}));
        }
        CHECK(it.wrong_rows("g/a").empty());
    }
}

TEST_CASE("engine: revert restores the configuration before a commit and keeps failures since", "[engine]") {
    EngineFixture it;
    it.apply_healthy();
    auto config = engine_config(2, {"a", "d"});
    config.groups[0].policy.checks_enabled = false;
    it.apply(config);
    it.engine.on_neighbours({{"g/a", false}, {"g/b", false}});
    it.engine.revert(1); // of another generation: no effect
    CHECK(it.engine.snapshot()->generation == 2);
    it.engine.revert(2);
    CHECK(it.engine.snapshot()->generation == 1);
    CHECK(it.state("g/a") == TargetState::unhealthy);
    CHECK(it.state("g/b") == TargetState::unhealthy); // and does not drain
    CHECK_FALSE(it.target("g/b").drain_until);
    CHECK(it.state("g/c") == TargetState::healthy);
    CHECK_FALSE(it.engine.snapshot()->find("g/d"));
    it.engine.on_neighbours({{"g/a", true}});
    REQUIRE(it.run_until([&] { return it.state("g/a") != TargetState::unhealthy; }));
    CHECK(it.state("g/a") == TargetState::healthy); // not unavailable: its checks are enabled again
    it.engine.revert(1);
    CHECK(it.engine.snapshot()->generation == 1);
    CHECK(it.wrong_rows("g/a").empty());
}

TEST_CASE("engine: revert has no effect after the next stage", "[engine]") {
    EngineFixture it;
    it.apply_healthy();
    it.apply(engine_config(2, {"a", "b"}));
    REQUIRE(it.engine.stage(engine_config(3, {"a"})));
    it.engine.revert(2);
    CHECK(it.engine.snapshot()->generation == 2);
    it.engine.abort(3);
    it.engine.revert(2);
    CHECK(it.engine.snapshot()->generation == 2);
    CHECK(it.state("g/c") == TargetState::draining);
}

TEST_CASE("engine: other maps receive all rows at the next commit", "[engine]") {
    EngineFixture it;
    it.apply_healthy();
    it.engine.on_neighbours({{"g/b", false}});
    const auto before = it.port->maps;
    const auto other = std::make_shared<FakeTargetStatePort>();
    it.engine.attach(other);
    it.apply(engine_config(2, {"a", "b", "c"}));
    CHECK(other->maps == before);
    it.port->clear_writes();
    it.engine.on_neighbours({{"g/b", true}});
    CHECK(it.port->writes.empty());
    CHECK(other->maps.targets.at(1) == accept_all);
}

TEST_CASE("engine: a failed write is reported in the snapshot until the periodic refresh succeeds",
          "[engine]") {
    EngineFixture it;
    it.apply_healthy();
    CHECK(it.engine.snapshot()->write_error.empty());
    it.port->fail_nth_write(0, 1000);
    it.engine.on_neighbours({{"g/b", false}});
    REQUIRE(it.run_until([&] { return !it.engine.snapshot()->write_error.empty(); }));
    CHECK(it.engine.snapshot()->write_error == "injected failure of target 1");
    CHECK(it.state("g/b") == TargetState::unhealthy);
    CHECK(it.port->maps.targets.at(1) == accept_all);
    it.port->succeed();
    REQUIRE(it.run_until([&] { return it.engine.snapshot()->write_error.empty(); }));
    CHECK(it.port->maps.targets.at(1) == 0);
    CHECK(it.wrong_rows("g/a").empty());
}

TEST_CASE("engine: the snapshot is immutable and published with a short delay", "[engine]") {
    EngineFixture it;
    it.apply_healthy();
    const auto before = it.engine.snapshot();
    it.engine.on_neighbours({{"g/b", false}});
    CHECK(it.engine.snapshot() == before);
    bool late = false; // timers run in the order of their deadlines, however late the loop is
    boost::asio::steady_timer limit(it.loop, 100ms);
    limit.async_wait([&](const boost::system::error_code &) { late = true; });
    REQUIRE(it.run_until([&] { return it.engine.snapshot() != before; }));
    CHECK_FALSE(late);
    CHECK(before->find("g/b")->state == TargetState::healthy);
    const auto after = it.engine.snapshot();
    CHECK(after->find("g/b")->state == TargetState::unhealthy);
    CHECK(after->find("g/b")->reason == HealthReason::no_neighbour);
    CHECK(after->find("g/b")->group == "g");
    CHECK(after->find("g/b")->target.index == 1);
    CHECK(after->groups == std::map<std::string, GroupAction>{{"g", GroupAction::steer}});
    CHECK(after->persisted.health.at("g/b").state == TargetState::unhealthy);
    CHECK_FALSE(after->find("g/z"));
}

TEST_CASE("engine: restored health, failures and drains apply to the first configuration", "[engine]") {
    EngineFixture it;
    const auto until = std::chrono::steady_clock::now() + 1h;
    PersistedTargets persisted;
    for (const auto *name : {"g/a", "g/b", "g/c"})
        persisted.health[name] = {TargetState::healthy, HealthReason::none, 0, false};
    persisted.operator_drains["g/c"] = until;
    persisted.removed["g/x"] = {until, config::FailurePolicy::hold};
    it.engine.restore(persisted);
    it.engine.restore_failures({{"g/b", HealthReason::timeout}, {"g/d", HealthReason::timeout}});
    const auto config = engine_config(1, {"a", "b", "c", "d"});
    REQUIRE(it.engine.stage(config, {{"g", 0, target_at("x", 9), "g/x"}}));
    CHECK(it.port->maps.targets.at(0) == accept_all);
    CHECK(it.port->maps.targets.at(1) == 0); // before the commit
    CHECK(it.port->maps.targets.at(9) == keep_all);
    REQUIRE(it.engine.commit(1, {}));
    CHECK(it.state("g/a") == TargetState::healthy);
    CHECK(it.state("g/b") == TargetState::unhealthy);
    CHECK(it.target("g/b").reason == HealthReason::timeout);
    CHECK(it.target("g/c").operator_drain_until == until);
    CHECK(it.state("g/d") == TargetState::initial);
    CHECK(it.target("g/x").drain_until == until);
    CHECK(it.state("g/x") == TargetState::draining);
    const auto published = it.engine.snapshot()->persisted;
    CHECK(published.operator_drains == persisted.operator_drains);
    CHECK(published.removed == persisted.removed);
}

TEST_CASE("engine: reset removes targets and restored state, and writes nothing", "[engine]") {
    EngineFixture it;
    it.apply_healthy();
    REQUIRE(it.engine.stage(engine_config(2, {"a"})));
    it.port->clear_writes();
    it.engine.reset();
    CHECK(it.engine.snapshot()->generation == 0);
    CHECK(it.engine.snapshot()->targets.empty());
    CHECK(it.engine.snapshot()->groups.empty());
    CHECK_FALSE(it.engine.commit(2, {}));
    it.loop.run_for(30ms);
    CHECK(it.port->writes.empty());
    it.apply(engine_config(3, {"a"}));
    CHECK(it.state("g/a") == TargetState::initial);
    CHECK(it.wrong_rows("g/a").empty());
}
