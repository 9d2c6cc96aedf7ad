// A rollback is an apply of an earlier manifest of the history.
#include <catch2/catch.hpp>

#include "tests/unit/control/node_fixture.h"

namespace glb::test {

namespace {

struct NodeWithHistory {
    FakeWorld world;
    Daemon daemon{world};
    std::vector<std::string> texts = {manifest_text({"eth1"}, {10}), manifest_text({"eth1"}, {11}),
                                      manifest_text({"eth1"}, {12})};

    NodeWithHistory() {
        REQUIRE(daemon.start());
        for (const auto &text : texts)
            REQUIRE(daemon.apply(text));
        daemon.refresh(); // removes the rows of targets that were in the bank until then
    }
};

} // namespace

TEST_CASE("rollback: an earlier manifest is active again, and becomes the newest of the history") {
    NodeWithHistory node;
    const auto result = node.daemon.rollback(2);
    REQUIRE(result);
    CHECK(result->applied);
    CHECK(result->epoch == 4);
    CHECK(node.world.manifest == node.texts[0]);
    CHECK(node.daemon.not_ready().empty());
    node.daemon.refresh();
    FakeWorld clean;
    REQUIRE(Daemon(clean).start(node.texts[0]));
    CHECK(visible(node.world) == visible(clean));
    REQUIRE(node.world.history.size() == 4);
    CHECK(node.world.history.front().by == "rollback");
    CHECK(node.world.history.front().epoch == 4);
    REQUIRE(node.daemon.rollback(1)); // back again
    CHECK(node.world.manifest == node.texts[2]);
}

TEST_CASE("rollback: to the active manifest changes nothing") {
    NodeWithHistory node;
    const auto before = visible(node.world);
    const auto result = node.daemon.rollback(0);
    REQUIRE(result);
    CHECK(result->changes.empty());
    CHECK(result->epoch == 3);
    CHECK(visible(node.world) == before);
    CHECK(node.world.history.size() == 3);
}

TEST_CASE("rollback: beyond the history names the oldest entry") {
    NodeWithHistory node;
    const auto before = visible(node.world);
    node.world.operation.restart();
    const auto result = node.daemon.rollback(3);
    REQUIRE_FALSE(result);
    CHECK(result.error().code == ENOENT);
    CHECK(result.error().message ==
          "there is no manifest 3 positions back; the oldest is 2 (see glbctl history)");
    CHECK(node.world.operation.names.empty());
    CHECK(visible(node.world) == before);
}

TEST_CASE("rollback: without an earlier manifest says so") {
    FakeWorld world;
    Daemon daemon(world);
    REQUIRE(daemon.start());
    for (const bool has_manifest : {false, true}) {
        if (has_manifest)
            REQUIRE(daemon.apply(manifest_text()));
        const auto result = daemon.rollback(1);
        REQUIRE_FALSE(result);
        CHECK(result.error().code == ENOENT);
        CHECK(result.error().message == "there is no earlier manifest");
    }
}

TEST_CASE("rollback: one that fails leaves the active manifest, and no entry in the history") {
    NodeWithHistory node;
    const auto before = visible(node.world);
    node.world.operation.restart();
    node.world.operation.fail_named = "datapath.flip";
    const auto result = node.daemon.rollback(1);
    REQUIRE_FALSE(result);
    node.world.operation.restart();
    node.daemon.refresh(); // the change could not be undone at once, with the same fault
    CHECK(visible(node.world) == before);
    CHECK(node.world.history.size() == 3);
}

TEST_CASE("history: a kill before the entry is written is made up for by the next start") {
    FakeWorld world;
    {
        Daemon daemon(world);
        REQUIRE(daemon.start(manifest_text()));
        world.operation.hook = [](const std::string &name) {
            if (name == "state.add_history")
                throw Killed{name};
        };
        REQUIRE_THROWS_AS(daemon.apply(manifest_text({"eth1"}, {12})), Killed);
        world.operation.hook = {};
    }
    REQUIRE(world.history.size() == 1);
    REQUIRE(Daemon(world).start());
    REQUIRE(world.history.size() == 2);
    CHECK(world.history.front().by == "start");
    CHECK(world.history.front().manifest == manifest_text({"eth1"}, {12}));
    REQUIRE(Daemon(world).start());
    CHECK(world.history.size() == 2);
}

TEST_CASE("rollback: after down to the manifest that was active") {
    FakeWorld world;
    Daemon daemon(world);
    REQUIRE(daemon.start());
    REQUIRE(daemon.apply(manifest_text({"eth1"})));
    REQUIRE(daemon.apply(manifest_text({"eth2"})));
    REQUIRE(daemon.down());
    REQUIRE(daemon.rollback(1));
    CHECK(world.manifest == manifest_text({"eth2"}));
    REQUIRE(daemon.down());
    REQUIRE(daemon.rollback(2));
    CHECK(world.manifest == manifest_text({"eth1"}));
}

} // namespace glb::test
