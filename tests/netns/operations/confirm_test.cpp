// apply --confirm, confirm, history, rollback: a manifest that is not confirmed reverts to the previous one,
// also after the daemon was killed.
#include <catch2/catch.hpp>

#include <csignal>
#include <fstream>
#include <regex>

#include "tests/harness/skip.h"
#include "tests/netns/testbed/testbeds.h"

using namespace glb::test;
using namespace std::chrono_literals;

namespace {

struct Fixture {
    TwoArm testbed;
    Daemon glbd{testbed.node};
    json before, after;

    Fixture() {
        before = after = testbed.manifest();
        before["targetGroups"][0]["targets"][0]["weight"] = 2;
        after["targetGroups"][0]["targets"][0]["weight"] = 3;
        glbd.start(before);
    }
    [[nodiscard]] int weight() const {
        return glbd.must_ctl({"export"}).at("targetGroups")[0].at("targets")[0].value("weight", 1);
    }
    [[nodiscard]] bool is_pending() const { return glbd.must_ctl({"status"}).contains("confirmation"); }
};

} // namespace

TEST_CASE("confirm: confirmed manifest stays active, unconfirmed one reverts") {
    need_root();
    Fixture fixture;
    REQUIRE(fixture.glbd.apply(fixture.after, {"--confirm", "3"}).code == 0);
    CHECK(fixture.weight() == 3);
    CHECK(fixture.is_pending());
    REQUIRE(eventually(30s, [&] { return fixture.weight() == 2; }));
    CHECK_FALSE(fixture.is_pending());
    CHECK(fixture.glbd.ctl({"confirm"}).code == 1);

    REQUIRE(fixture.glbd.apply(fixture.after, {"--confirm", "3"}).code == 0);
    REQUIRE(fixture.glbd.ctl({"confirm"}).code == 0);
    std::this_thread::sleep_for(5s); // longer than the time to confirm
    CHECK(fixture.weight() == 3);
    const auto history = fixture.glbd.must_ctl({"history"}).at("history");
    REQUIRE(history.size() == 4);
    CHECK(history[0].at("by") == "apply");
    CHECK(history[1].at("by") == "revert");
    CHECK(history[1].at("uid").is_null());
    CHECK(history[2].at("uid") == 0);
    CHECK(history[0].at("epoch").get<int>() > history[1].at("epoch").get<int>());
}

TEST_CASE("confirm: daemon killed before the deadline reverts on time, or at its start after the deadline") {
    need_root();
    Fixture fixture;
    REQUIRE(fixture.glbd.apply(fixture.after, {"--confirm", "6"}).code == 0);
    fixture.glbd.kill9();
    fixture.glbd.start();
    CHECK(fixture.is_pending());
    CHECK(fixture.weight() == 3);
    REQUIRE(eventually(30s, [&] { return fixture.weight() == 2; }));

    REQUIRE(fixture.glbd.apply(fixture.after, {"--confirm", "2"}).code == 0);
    fixture.glbd.kill9();
    std::this_thread::sleep_for(2500ms); // the time itself is tested
    fixture.glbd.start();
    CHECK(fixture.weight() == 2);
    fixture.glbd.kill9();
    fixture.glbd.start();
    CHECK(fixture.weight() == 2);
    CHECK_FALSE(fixture.is_pending());
}

TEST_CASE("confirm: a pending manifest refuses other changes, but no drain and no bypass") {
    need_root();
    Fixture fixture;
    auto &glbd = fixture.glbd;
    auto third = fixture.after;
    third["targetGroups"][0]["targets"][0]["weight"] = 4;
    REQUIRE(glbd.apply(fixture.after, {"--confirm", "60"}).code == 0);
    for (const auto &answer :
         {glbd.apply(third), glbd.apply(third, {"--confirm", "2"}), glbd.ctl({"rollback"})}) {
        CHECK(answer.code == 1);
        CHECK(answer.text.find("is pending confirmation") != std::string::npos);
        CHECK(answer.text.find("applied by uid 0, pid ") != std::string::npos);
    }
    const auto name = "firewalls/" + third["targetGroups"][0]["targets"][0]["id"].get<std::string>();
    CHECK(glbd.ctl({"drain", "--force", name}).code == 0);
    CHECK(glbd.ctl({"undrain", name}).code == 0);
    CHECK(glbd.ctl({"bypass", "branch"}).code == 0);
    CHECK(glbd.ctl({"bypass", "branch", "--off"}).code == 0);
    CHECK(fixture.is_pending());
    CHECK(fixture.weight() == 3);
    REQUIRE(glbd.apply(third, {"--confirm-pending"}).code == 0);
    CHECK_FALSE(fixture.is_pending());
    CHECK(fixture.weight() == 4);
}

TEST_CASE("history: applying the active manifest again changes nothing") {
    need_root();
    Fixture fixture;
    const auto epoch = fixture.glbd.must_ctl({"status"}).at("epoch");
    REQUIRE(fixture.glbd.apply(fixture.before).code == 0);
    CHECK(fixture.glbd.must_ctl({"status"}).at("epoch") == epoch);
    CHECK(fixture.glbd.must_ctl({"history"}).at("history").size() == 1);
    const auto exported = fixture.glbd.must_ctl({"export"}); // another document with the same meaning
    REQUIRE(exported != fixture.before);
    REQUIRE(fixture.glbd.apply(exported).code == 0);
    CHECK(fixture.glbd.must_ctl({"status"}).at("epoch") == epoch);
    CHECK(fixture.glbd.must_ctl({"history"}).at("history").size() == 1);
    fixture.glbd.terminate();
    fixture.glbd.start(fixture.before);
    CHECK(fixture.glbd.log().find("differs from the stored manifest") == std::string::npos);
    fixture.glbd.terminate();
    fixture.glbd.start(fixture.after);
    CHECK(fixture.glbd.log().find("differs from the stored manifest") != std::string::npos);
    CHECK(fixture.weight() == 2);
    CHECK(fixture.glbd.must_ctl({"history"}).at("history").size() == 1);
    REQUIRE(fixture.glbd.apply(fixture.after).code == 0);
    CHECK(fixture.glbd.must_ctl({"status"}).at("epoch") > epoch);
    CHECK(fixture.glbd.must_ctl({"history"}).at("history").size() == 2);
}

TEST_CASE("rollback: any manifest of the history can be restored") {
    need_root();
    Fixture fixture;
    REQUIRE(fixture.glbd.apply(fixture.after).code == 0);
    const auto dry = fixture.glbd.must_ctl({"rollback", "--dry-run"});
    CHECK(dry.at("applied") == false);
    CHECK(dry.at("changes").size() >= 1);
    CHECK(fixture.weight() == 3);
    CHECK(fixture.glbd.must_ctl({"rollback"}).at("applied") == true);
    CHECK(fixture.weight() == 2);
    CHECK(fixture.glbd.must_ctl({"history"}).at("history")[0].at("by") == "rollback");
    REQUIRE(fixture.glbd.ctl({"rollback", "2"}).code == 0); // the first manifest equals the active one
    CHECK(fixture.glbd.ctl({"rollback", "9"}).code == 1);
    REQUIRE(fixture.glbd.ctl({"rollback", "1", "--confirm", "2"}).code == 0);
    CHECK(fixture.weight() == 3);
    REQUIRE(eventually(30s, [&] { return fixture.weight() == 2; }));
}

TEST_CASE("log and history: every change is recorded with its requester and the epochs before and after") {
    need_root();
    Fixture fixture;
    auto &glbd = fixture.glbd;
    const auto logged = [&](const std::string &line) {
        return eventually(5s, [&] { return std::regex_search(glbd.log(), std::regex(line)); });
    };
    const auto file = (glbd.folder() / "manifest.json").string();
    CHECK(logged("applied a manifest .start from " + file + ".: .*, epoch 0 -> 1, requested by glbd itself"));
    std::ofstream(file) << fixture.after;
    glbd.signal(SIGHUP);
    REQUIRE(eventually(10s, [&] { return fixture.weight() == 3; }));
    CHECK(logged("applied a manifest .reload from " + file +
                 ".: 1 change, epoch 1 -> 2, requested by glbd itself"));
    const auto history = glbd.must_ctl({"history"}).at("history");
    REQUIRE(history.size() == 2);
    CHECK(history[0].at("by") == "reload");
    CHECK(history[0].at("file") == file);
    CHECK(history[1].at("by") == "start");
    CHECK(history[1].at("file") == file);

    const auto name = "firewalls/" + fixture.after["targetGroups"][0]["targets"][0]["id"].get<std::string>();
    glbd.must_ctl({"drain", "--force", name});
    CHECK(logged(name + ": drain started, epoch 2, requested by uid 0, pid "));
    glbd.must_ctl({"undrain", name});
    CHECK(logged(name + ": drain cancelled, epoch 2, requested by uid 0, pid "));
    glbd.must_ctl({"bypass", "branch"});
    CHECK(logged("branch: BYPASSED, .*, epoch 2, requested by uid 0, pid "));
    glbd.must_ctl({"bypass", "branch", "--off"});
    CHECK(logged("branch: .*, epoch 2, requested by uid 0, pid "));
    REQUIRE(glbd.apply(fixture.before, {"--confirm", "2"}).code == 0);
    CHECK(eventually(30s, [&] { return fixture.weight() == 3; }));
    CHECK(logged("the previous manifest is restored, epoch 3 -> 4, requested by glbd itself"));
    REQUIRE(glbd.apply(fixture.before, {"--confirm", "60"}).code == 0);
    glbd.must_ctl({"confirm"});
    CHECK(logged("is confirmed, epoch 5, requested by uid 0, pid "));
    glbd.kill9();
    glbd.start();
    CHECK(logged("started with the stored manifest, epoch 5, requested by glbd itself"));
    glbd.must_ctl({"down", "--yes"});
    CHECK(logged("data path and guard removed, epoch 5 -> 0, requested by uid 0, pid "));
}
