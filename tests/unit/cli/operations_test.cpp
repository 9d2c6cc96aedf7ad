// Operator overrides and maintenance through glbctl: confirmation, drain, bypass, gc.
#include <catch2/catch.hpp>

#include <chrono>
#include <thread>

#include <nlohmann/json.hpp>

#include "tests/unit/cli/fixture.h"

using namespace glb::test;
using nlohmann::json;

namespace {

/// `glbctl drain --wait… firewalls/fw-1`, once the target is drained.
Running begin_waiting(const Fixture &glbctl, const std::string &wait) {
    auto waiting = glbctl.begin({"drain", wait, "firewalls/fw-1"});
    char first = 0;
    REQUIRE(::read(waiting.out.get(), &first, 1) == 1);
    return waiting;
}

} // namespace

TEST_CASE("confirmation: a pending manifest is confirmed once; the history is listed and rolled back to") {
    const Fixture glbctl;
    const auto trial = glbctl({"apply", "--confirm", "90", glbctl.file(valid_manifest)});
    CHECK(trial.status == 0);
    CHECK(has(trial.out, "reverting in 1m30s unless confirmed (glbctl confirm)\n"));
    CHECK(glbctl({"confirm"}).out == "confirmed\n");
    const auto again = glbctl({"confirm"});
    CHECK(again.status == 1);
    CHECK(again.err == "glbctl: no manifest is pending confirmation\n");
    const auto history = glbctl({"history"});
    CHECK(has(history.out, "BACK  ACTIVE SINCE          BY"));
    CHECK(has(history.out, "   0  2026-01-31T12:00:00Z  apply"));
    CHECK(has(history.out, "  /etc/glb/manifest.json\n"));
    CHECK(has(glbctl({"rollback"}).out, "applied 2 changes, epoch 4\n"));
    CHECK(has(glbctl({"rollback", "1", "--dry-run"}).out, "none applied (dry run)"));
    CHECK(glbctl({"rollback", "2"}).status == 1);
}

TEST_CASE("drain: starts, is cancelled, and waits for the last flow") {
    const Fixture glbctl;
    const auto drained = glbctl({"drain", "firewalls/fw-1"});
    CHECK(drained.status == 0);
    CHECK(drained.out ==
          "firewalls/fw-1 is draining: 271 flows left; the deregistration delay ends in 5m00s\n");
    CHECK(glbctl({"undrain", "firewalls/fw-1"}).out == "firewalls/fw-1 undrained\n");
    const auto last = glbctl({"drain", "firewalls/fw-2"});
    CHECK(last.status == 1);
    CHECK(last.err == "glbctl: firewalls/fw-2 is the last target of its group\n");
    CHECK(glbctl({"drain", "--force", "firewalls/fw-2"}).status == 0);
    CHECK(glbctl({"drain", "--wait", "--force", "firewalls/fw-2"}).status == 0); // it has no flows
    const auto waited = glbctl({"drain", "--wait=1", "firewalls/fw-1"});
    CHECK(waited.status == 1);
    CHECK(has(waited.err, "271 flows left\n"));
    CHECK(has(waited.err, "glbctl: firewalls/fw-1 still has 271 flows; it stays drained\n"));
    CHECK(json::parse(glbctl({"-o", "json", "drain", "firewalls/fw-1"}).out)["activeFlows"] == 271);
    CHECK(glbctl({"drain", "firewalls/fw-9"}).status == 1);
}

TEST_CASE("drain: --wait fails as soon as the drain is cancelled elsewhere") {
    const Fixture glbctl;
    auto waiting = begin_waiting(glbctl, "--wait");
    CHECK(glbctl({"undrain", "firewalls/fw-1"}).status == 0);
    const auto waited = finish(std::move(waiting));
    CHECK(waited.status == 1);
    CHECK(has(waited.err, "glbctl: drain of firewalls/fw-1 was cancelled elsewhere; 271 flows remain\n"));
}

TEST_CASE("drain: a single flow is one flow") {
    const Fixture glbctl(true, "last-flow");
    const auto late = glbctl({"drain", "--wait=1", "firewalls/fw-1"});
    CHECK(has(late.out, "firewalls/fw-1 is draining: 1 flow left;"));
    CHECK(has(late.err, "1 flow left\n"));
    CHECK(has(late.err, "glbctl: firewalls/fw-1 still has 1 flow; it stays drained\n"));
    auto waiting = begin_waiting(glbctl, "--wait");
    CHECK(glbctl({"undrain", "firewalls/fw-1"}).status == 0);
    CHECK(has(finish(std::move(waiting)).err, "cancelled elsewhere; 1 flow remains\n"));
}

TEST_CASE("drain: --wait survives a restart of the daemon, and reports it") {
    Fixture glbctl;
    auto waiting = begin_waiting(glbctl, "--wait=4");
    glbctl.end();
    std::this_thread::sleep_for(std::chrono::milliseconds(1500)); // three polls
    glbctl.serve("drained");
    const auto waited = finish(std::move(waiting));
    CHECK(waited.status == 1);
    CHECK(has(waited.err, "; waiting for the daemon\n"));
    CHECK(has(waited.err, "glbctl: the daemon answers again\n"));
    CHECK(has(waited.err, "glbctl: firewalls/fw-1 still has 271 flows; it stays drained\n"));
}

TEST_CASE("drain: --wait reports a daemon that does not return") {
    Fixture glbctl;
    auto waiting = begin_waiting(glbctl, "--wait=2");
    glbctl.end();
    const auto waited = finish(std::move(waiting));
    CHECK(waited.status == 3);
    CHECK(has(waited.err, "the daemon did not return"));
}

TEST_CASE("bypass: the effect and its duration are printed") {
    const Fixture glbctl;
    CHECK(glbctl({"bypass", "branch"}).out ==
          "branch is BYPASSED: packets are forwarded uninspected until glbctl bypass branch --off\n");
    CHECK(glbctl({"bypass", "branch", "--for", "10m"}).out ==
          "branch is BYPASSED: packets are forwarded uninspected for 10m00s\n");
    CHECK(json::parse(glbctl({"-o", "json", "bypass", "branch", "--for", "2h"}).out)["secondsLeft"] == 7200);
    CHECK(glbctl({"bypass", "branch", "--off"}).out == "branch is inspected\n");
    const auto down = glbctl({"bypass", "down", "--off"});
    CHECK(down.status == 0); // the operator's bypass has ended
    CHECK(has(down.out,
              "down is still BYPASSED: firewalls has no healthy target, and its onAllUnhealthy is bypass"));
    CHECK(glbctl({"bypass", "other"}).status == 1);
}

TEST_CASE("gc: lists what was removed, or would be") {
    const Fixture glbctl;
    CHECK(glbctl({"gc"}).out == "REMOVED  NAME\nmaps     /sys/fs/bpf/glb/v1\n");
    CHECK(glbctl({"gc", "--dry-run"}).out ==
          "WOULD BE REMOVED  NAME\nmaps              /sys/fs/bpf/glb/v1\n");
    CHECK(json::parse(glbctl({"-o", "json", "gc"}).out)["removed"] == true);
}

TEST_CASE("errors: with -o json they are printed as a document with pointer and message") {
    const Fixture glbctl;
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
