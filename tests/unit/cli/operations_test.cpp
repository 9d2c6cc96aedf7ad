// What glbctl orders beside the manifest, and how it tells of it.
#include <catch2/catch.hpp>

#include <chrono>
#include <thread>

#include <nlohmann/json.hpp>

#include "tests/unit/cli/fixture.h"

using namespace glb::test;
using nlohmann::json;

namespace {

/// `glbctl drain --wait… firewalls/fw-1`, once the drain is ordered.
Running begin_waiting(const Stage &glbctl, const std::string &wait) {
    auto waiting = glbctl.begin({"drain", wait, "firewalls/fw-1"});
    char answered = 0;
    REQUIRE(::read(waiting.out.get(), &answered, 1) == 1);
    return waiting;
}

} // namespace

TEST_CASE("a manifest on trial is confirmed once; the history is listed and rolled back to") {
    const Stage glbctl;
    const auto trial = glbctl({"apply", "--confirm", "90", glbctl.file(sound_manifest)});
    CHECK(trial.status == 0);
    CHECK(has(trial.out, "unless glbctl confirm comes within 1m30s, what was in force before returns\n"));
    CHECK(glbctl({"confirm"}).out == "confirmed\n");
    const auto again = glbctl({"confirm"});
    CHECK(again.status == 1);
    CHECK(again.err == "glbctl: no manifest waits for a confirmation\n");
    const auto history = glbctl({"history"});
    CHECK(has(history.out, "BACK  IN FORCE SINCE        BY"));
    CHECK(has(history.out, "   0  2026-01-31T12:00:00Z  apply"));
    CHECK(has(history.out, "  /etc/glb/manifest.json\n"));
    CHECK(has(glbctl({"rollback"}).out, "applied 2 changes, epoch 4\n"));
    CHECK(has(glbctl({"rollback", "1", "--dry-run"}).out, "none applied (dry run)"));
    CHECK(glbctl({"rollback", "2"}).status == 1);
}

TEST_CASE("drain, undrain, and waiting for the last flow") {
    const Stage glbctl;
    const auto drained = glbctl({"drain", "firewalls/fw-1"});
    CHECK(drained.status == 0);
    CHECK(drained.out == "firewalls/fw-1 is drained: 271 flows left, for at most 5m00s\n");
    CHECK(glbctl({"undrain", "firewalls/fw-1"}).out ==
          "firewalls/fw-1 takes new flows as its health allows\n");
    const auto last = glbctl({"drain", "firewalls/fw-2"});
    CHECK(last.status == 1);
    CHECK(last.err == "glbctl: firewalls/fw-2 is the last target of its group\n");
    CHECK(glbctl({"drain", "--force", "firewalls/fw-2"}).status == 0);
    CHECK(glbctl({"drain", "--wait", "--force", "firewalls/fw-2"}).status == 0); // it has no flow
    const auto waited = glbctl({"drain", "--wait=1", "firewalls/fw-1"});
    CHECK(waited.status == 1);
    CHECK(has(waited.err, "271 flows left\n"));
    CHECK(has(waited.err, "glbctl: firewalls/fw-1 still has 271 flows; it stays drained\n"));
    CHECK(json::parse(glbctl({"-o", "json", "drain", "firewalls/fw-1"}).out)["activeFlows"] == 271);
    CHECK(glbctl({"drain", "firewalls/fw-9"}).status == 1);
}

TEST_CASE("a wait for a drain's end fails as soon as somebody ends the drain") {
    const Stage glbctl;
    auto waiting = begin_waiting(glbctl, "--wait");
    CHECK(glbctl({"undrain", "firewalls/fw-1"}).status == 0);
    const auto waited = finish(std::move(waiting));
    CHECK(waited.status == 1);
    CHECK(has(waited.err, "glbctl: firewalls/fw-1 is drained no longer: somebody ended that"));
}

TEST_CASE("a wait for a drain's end outlives a restart of the daemon, and says so") {
    Stage glbctl;
    auto waiting = begin_waiting(glbctl, "--wait=4");
    glbctl.end();
    std::this_thread::sleep_for(std::chrono::milliseconds(1500)); // it asks twice a second
    glbctl.serve("drained");
    const auto waited = finish(std::move(waiting));
    CHECK(waited.status == 1);
    CHECK(has(waited.err, "; waiting for it to come back\n"));
    CHECK(has(waited.err, "glbctl: the daemon answers again\n"));
    CHECK(has(waited.err, "glbctl: firewalls/fw-1 still has 271 flows; it stays drained\n"));
}

TEST_CASE("a wait for a drain's end says where the daemon does not come back") {
    Stage glbctl;
    auto waiting = begin_waiting(glbctl, "--wait=2");
    glbctl.end();
    const auto waited = finish(std::move(waiting));
    CHECK(waited.status == 3);
    CHECK(has(waited.err, "the daemon did not come back"));
}

TEST_CASE("bypass says what it does, and for how long") {
    const Stage glbctl;
    CHECK(glbctl({"bypass", "branch"}).out ==
          "branch is BYPASSED: its packets pass uninspected until glbctl bypass --off\n");
    CHECK(glbctl({"bypass", "branch", "--for", "10m"}).out ==
          "branch is BYPASSED: its packets pass uninspected for 10m00s\n");
    CHECK(json::parse(glbctl({"-o", "json", "bypass", "branch", "--for", "2h"}).out)["secondsLeft"] == 7200);
    CHECK(glbctl({"bypass", "branch", "--off"}).out == "branch is inspected\n");
    const auto down = glbctl({"bypass", "down", "--off"});
    CHECK(down.status == 0); // the order is over
    CHECK(has(down.out,
              "down is still BYPASSED: no target of firewalls is healthy, and its onAllUnhealthy is bypass"));
    CHECK(glbctl({"bypass", "other"}).status == 1);
}

TEST_CASE("gc says what went, or would") {
    const Stage glbctl;
    CHECK(glbctl({"gc"}).out == "REMOVED  PIN\nmaps     /sys/fs/bpf/glb/v1\n");
    CHECK(glbctl({"gc", "--dry-run"}).out == "WOULD BE REMOVED  PIN\nmaps              /sys/fs/bpf/glb/v1\n");
    CHECK(json::parse(glbctl({"-o", "json", "gc"}).out)["removed"] == true);
}

TEST_CASE("with -o json what is refused is a document too: errors with pointer and message") {
    const Stage glbctl;
    for (const auto &words : std::vector<std::vector<std::string>>{{"drain", "firewalls/fw-9"},
                                                                   {"drain", "firewalls/fw-2"},
                                                                   {"undrain", "firewalls/fw-9"},
                                                                   {"bypass", "other"},
                                                                   {"targets", "nowhere"},
                                                                   {"rollback", "9"},
                                                                   {"check", "/nonexistent/m.json"},
                                                                   {"apply", "/nonexistent/m.json"},
                                                                   {"check", "--here", "m.json"}}) {
        auto arguments = words;
        arguments.insert(arguments.begin(), {"-o", "json"});
        const auto refused = glbctl(arguments);
        INFO(words[0] << ' ' << words[1]);
        CHECK(refused.status == 1);
        CHECK_FALSE(refused.err.empty());
        const auto document = json::parse(refused.out, nullptr, false);
        REQUIRE(document.is_object());
        REQUIRE(document["errors"].size() == 1);
        CHECK_FALSE(document["errors"][0]["message"].get<std::string>().empty());
    }
}
