// apply --confirm, confirm, history, rollback: a manifest on trial returns to the one before, also where the
// daemon was killed meanwhile.
#include <catch2/catch.hpp>

#include <csignal>
#include <fstream>
#include <regex>

#include "tests/harness/skip.h"
#include "tests/netns/testbed/testbeds.h"

using namespace glb::test;
using namespace std::chrono_literals;

namespace {

struct Stage {
    TwoArm world;
    Daemon glbd{world.node};
    json before, after;

    Stage() {
        before = after = world.manifest();
        before["targetGroups"][0]["targets"][0]["weight"] = 2;
        after["targetGroups"][0]["targets"][0]["weight"] = 3;
        glbd.start(before);
    }
    [[nodiscard]] int weight() const {
        return glbd.must_ctl({"export"}).at("targetGroups")[0].at("targets")[0].value("weight", 1);
    }
    [[nodiscard]] bool waits() const { return glbd.must_ctl({"status"}).contains("confirmation"); }
};

} // namespace

TEST_CASE("confirm: a manifest that is confirmed stays, one that is not goes") {
    need_root();
    Stage stage;
    REQUIRE(stage.glbd.apply(stage.after, {"--confirm", "3"}).code == 0);
    CHECK(stage.weight() == 3);
    CHECK(stage.waits());
    REQUIRE(eventually(30s, [&] { return stage.weight() == 2; }));
    CHECK_FALSE(stage.waits());
    CHECK(stage.glbd.ctl({"confirm"}).code == 1);

    REQUIRE(stage.glbd.apply(stage.after, {"--confirm", "3"}).code == 0);
    REQUIRE(stage.glbd.ctl({"confirm"}).code == 0);
    std::this_thread::sleep_for(5s); // nothing is to happen
    CHECK(stage.weight() == 3);
    const auto history = stage.glbd.must_ctl({"history"}).at("history");
    REQUIRE(history.size() == 4);
    CHECK(history[0].at("by") == "apply");
    CHECK(history[1].at("by") == "revert");
    CHECK(history[1].at("uid").is_null());
    CHECK(history[2].at("uid") == 0);
    CHECK(history[0].at("epoch").get<int>() > history[1].at("epoch").get<int>());
}

TEST_CASE(
    "confirm: a daemon that was killed meanwhile reverts in time, or at its start when the time is over") {
    need_root();
    Stage stage;
    REQUIRE(stage.glbd.apply(stage.after, {"--confirm", "6"}).code == 0);
    stage.glbd.kill9();
    stage.glbd.start();
    CHECK(stage.waits());
    CHECK(stage.weight() == 3);
    REQUIRE(eventually(30s, [&] { return stage.weight() == 2; }));

    REQUIRE(stage.glbd.apply(stage.after, {"--confirm", "2"}).code == 0);
    stage.glbd.kill9();
    std::this_thread::sleep_for(2500ms); // what is waited for is the time itself
    stage.glbd.start();
    CHECK(stage.weight() == 2);
    stage.glbd.kill9();
    stage.glbd.start();
    CHECK(stage.weight() == 2);
    CHECK_FALSE(stage.waits());
}

TEST_CASE("confirm: a second trial returns to what was trusted before the first; a plain apply confirms") {
    need_root();
    Stage stage;
    auto third = stage.after;
    third["targetGroups"][0]["targets"][0]["weight"] = 4;
    REQUIRE(stage.glbd.apply(stage.after, {"--confirm", "60"}).code == 0);
    REQUIRE(stage.glbd.apply(third, {"--confirm", "2"}).code == 0);
    CHECK(stage.weight() == 4);
    REQUIRE(eventually(30s, [&] { return stage.weight() == 2; }));
    REQUIRE(stage.glbd.apply(stage.after, {"--confirm", "60"}).code == 0);
    REQUIRE(stage.glbd.apply(third).code == 0);
    CHECK_FALSE(stage.waits());
}

TEST_CASE("history: who applies what is in force already changes nothing") {
    need_root();
    Stage stage;
    const auto epoch = stage.glbd.must_ctl({"status"}).at("epoch");
    REQUIRE(stage.glbd.apply(stage.before).code == 0);
    CHECK(stage.glbd.must_ctl({"status"}).at("epoch") == epoch);
    CHECK(stage.glbd.must_ctl({"history"}).at("history").size() == 1);
    const auto exported = stage.glbd.must_ctl({"export"}); // another text of the same meaning
    REQUIRE(exported != stage.before);
    REQUIRE(stage.glbd.apply(exported).code == 0);
    CHECK(stage.glbd.must_ctl({"status"}).at("epoch") == epoch);
    CHECK(stage.glbd.must_ctl({"history"}).at("history").size() == 1);
    stage.glbd.terminate();
    stage.glbd.start(stage.before);
    CHECK(stage.glbd.log().find("differs from the manifest in force") == std::string::npos);
    stage.glbd.terminate();
    stage.glbd.start(stage.after);
    CHECK(stage.glbd.log().find("differs from the manifest in force") != std::string::npos);
    CHECK(stage.weight() == 2);
    CHECK(stage.glbd.must_ctl({"history"}).at("history").size() == 1);
    REQUIRE(stage.glbd.apply(stage.after).code == 0);
    CHECK(stage.glbd.must_ctl({"status"}).at("epoch") > epoch);
    CHECK(stage.glbd.must_ctl({"history"}).at("history").size() == 2);
}

TEST_CASE("rollback: to any manifest of the history") {
    need_root();
    Stage stage;
    REQUIRE(stage.glbd.apply(stage.after).code == 0);
    const auto dry = stage.glbd.must_ctl({"rollback", "--dry-run"});
    CHECK(dry.at("applied") == false);
    CHECK(dry.at("changes").size() >= 1);
    CHECK(stage.weight() == 3);
    CHECK(stage.glbd.must_ctl({"rollback"}).at("applied") == true);
    CHECK(stage.weight() == 2);
    CHECK(stage.glbd.must_ctl({"history"}).at("history")[0].at("by") == "rollback");
    REQUIRE(stage.glbd.ctl({"rollback", "2"}).code == 0); // the first of all is the same as now
    CHECK(stage.glbd.ctl({"rollback", "9"}).code == 1);
    REQUIRE(stage.glbd.ctl({"rollback", "1", "--confirm", "2"}).code == 0);
    CHECK(stage.weight() == 3);
    REQUIRE(eventually(30s, [&] { return stage.weight() == 2; }));
}

TEST_CASE("log and history: every change with who asked, and with the epochs before and after") {
    need_root();
    Stage stage;
    auto &glbd = stage.glbd;
    const auto logged = [&](const std::string &line) {
        return eventually(5s, [&] { return std::regex_search(glbd.log(), std::regex(line)); });
    };
    const auto file = (glbd.folder() / "manifest.json").string();
    CHECK(logged("applied a manifest .start from " + file + ".: .*, epoch 0 -> 1, requested by glbd"));
    std::ofstream(file) << stage.after;
    glbd.signal(SIGHUP);
    REQUIRE(eventually(10s, [&] { return stage.weight() == 3; }));
    CHECK(logged("applied a manifest .reload from " + file + ".: 1 change, epoch 1 -> 2, requested by glbd"));
    const auto history = glbd.must_ctl({"history"}).at("history");
    REQUIRE(history.size() == 2);
    CHECK(history[0].at("by") == "reload");
    CHECK(history[0].at("file") == file);
    CHECK(history[1].at("by") == "start");
    CHECK(history[1].at("file") == file);

    const auto name = "firewalls/" + stage.after["targetGroups"][0]["targets"][0]["id"].get<std::string>();
    glbd.must_ctl({"drain", "--force", name});
    CHECK(logged(name + ": drained, epoch 2 -> 2, requested by uid 0, pid "));
    glbd.must_ctl({"undrain", name});
    CHECK(logged(name + ": undrained, epoch 2 -> 2, requested by uid 0, pid "));
    glbd.must_ctl({"bypass", "branch"});
    CHECK(logged("branch: BYPASSED, .*, epoch 2 -> 2, requested by uid 0, pid "));
    glbd.must_ctl({"bypass", "branch", "--off"});
    CHECK(logged("branch: .*, epoch 2 -> 2, requested by uid 0, pid "));
    REQUIRE(glbd.apply(stage.before, {"--confirm", "2"}).code == 0);
    CHECK(eventually(30s, [&] { return stage.weight() == 3; }));
    CHECK(logged("the manifest before has returned, epoch 3 -> 4, requested by glbd"));
    REQUIRE(glbd.apply(stage.before, {"--confirm", "60"}).code == 0);
    glbd.must_ctl({"confirm"});
    CHECK(logged("is confirmed, epoch 5 -> 5, requested by uid 0, pid "));
    glbd.kill9();
    glbd.start();
    CHECK(logged("started with the manifest in force, epoch 5 -> 5, requested by glbd"));
    glbd.must_ctl({"down", "--yes"});
    CHECK(logged("everything is down, epoch 5 -> 0, requested by uid 0, pid "));
}
