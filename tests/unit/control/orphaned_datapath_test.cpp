// A running data path whose manifest the state directory lacks, and pins that were removed.
#include <catch2/catch.hpp>

#include "tests/unit/control/node_fixture.h"

#include "controller/control/pin_watch.h"

namespace glb::test {

TEST_CASE("start: a running data path without a stored manifest is named, and stays as it is") {
    FakeWorld world;
    REQUIRE(Daemon(world).start(manifest_text({"eth1"})));
    const auto attached = world.attached;
    world.manifest.reset(); // another state directory
    Daemon daemon(world);
    REQUIRE(daemon.start());
    CHECK_THAT(daemon.not_ready(), Catch::Contains("a data path of an earlier daemon is running (epoch 1)") &&
                                       Catch::Contains("--state-dir"));
    CHECK(world.attached == attached);
    CHECK(world.guard);
    REQUIRE(daemon.apply(manifest_text({"eth1"})));
    CHECK(daemon.not_ready().empty());
}

TEST_CASE("start: without a data path and a manifest the node waits for one") {
    FakeWorld world;
    Daemon daemon(world);
    REQUIRE(daemon.start());
    CHECK(daemon.not_ready() == "waiting for a manifest: glbctl apply FILE");
}

TEST_CASE("down: nothing is wrong any more with a configuration that is gone") {
    const bool keep_guard = GENERATE(false, true);
    FakeWorld world;
    Daemon daemon(world);
    REQUIRE(daemon.start(manifest_text()));
    auto &board = daemon.state.conditions.board;
    const Condition any{Severity::error, "x", "y", "z", ""};
    const std::vector<std::string> sources{control::host_source, control::pins_source, control::drops_source,
                                           control::neighbours_source, control::guard_source};
    for (const auto &source : sources)
        (void)board.update(source, {any}, world.now);
    REQUIRE(daemon.down(keep_guard));
    for (const auto &source : sources)
        CHECK(board.of(source).empty() != (keep_guard && source == control::guard_source));
    if (keep_guard) { // examined by the next check
        REQUIRE(daemon.roles.reconciler.check_guard());
        CHECK(board.held().empty());
    }
}

TEST_CASE("pins: those that cannot be restored degrade the node until they are") {
    FakeWorld world;
    Daemon daemon(world);
    REQUIRE(daemon.start(manifest_text({"eth1"})));
    const auto errors = [&] { return daemon.state.conditions.board.of(control::pins_source); };
    world.removed_pins = {"/sys/fs/bpf/glb/links/xdp-3"};
    control::restore_pins(daemon.state, daemon.ports);
    CHECK(errors().empty());
    CHECK(world.removed_pins.empty());
    world.operation.fail_named = "datapath.restore_pins";
    control::restore_pins(daemon.state, daemon.ports);
    REQUIRE(errors().size() == 1);
    CHECK(errors()[0].what == "pins-missing");
    CHECK(errors()[0].severity == Severity::error);
    world.operation.restart();
    control::restore_pins(daemon.state, daemon.ports);
    CHECK(errors().empty());
}

} // namespace glb::test
