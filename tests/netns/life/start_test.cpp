// Start of glbd: the choice of the manifest, error messages, and the lock of the bpffs folder.
#include <sstream>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "tests/harness/skip.h"
#include "tests/netns/testbed/testbeds.h"

using namespace glb::test;
using namespace std::chrono_literals;

TEST_CASE("start: unreadable --manifest is fatal only without a persisted manifest") {
    need_root();
    const TwoArm testbed;
    Daemon glbd(testbed.node);
    const auto missing = glbd.folder() / "missing.json";
    const std::vector<std::string> options = {"--manifest", missing};
    auto &first = glbd.launch(nullptr, options);
    REQUIRE(first.wait(10s));
    CHECK(first.code() == 1);
    CHECK(glbd.log().find("cannot open " + missing.string() + ": No such file") != std::string::npos);

    glbd.start(testbed.manifest());
    const auto active = glbd.must_ctl({"export"});
    glbd.terminate();
    glbd.start(nullptr, options);
    INFO(glbd.log());
    CHECK(glbd.must_ctl({"export"}) == active);
    CHECK(glbd.log().find("cannot open " + missing.string()) != std::string::npos);
    CHECK(eventually(10s, [&] { return glbd.must_ctl({"status"}).at("ready") == true; }));
    glbd.terminate();

    auto &guard = glbd.launch(nullptr, {"--guard-only", "--manifest", missing});
    REQUIRE(guard.wait(10s));
    INFO(glbd.log());
    CHECK(guard.code() == 0);
}

TEST_CASE("start: failure is logged in the selected format, with the manifest's file and JSON pointer") {
    need_root();
    const TwoArm testbed;
    auto manifest = testbed.manifest();
    manifest["endpoints"][0]["targetGroup"] = "missing";
    manifest["node"]["unknown"] = 1;
    Daemon glbd(testbed.node);
    const auto log_of_failure = [&](const std::vector<std::string> &options) {
        auto &process = glbd.launch(manifest, options);
        REQUIRE(process.wait(10s));
        CHECK(process.code() == 1);
        return glbd.log();
    };
    const auto text = log_of_failure({});
    INFO(text);
    for (const std::string place :
         {"manifest.json: /endpoints/0/targetGroup: ", "manifest.json: /node/unknown: "})
        CHECK(text.find(place) != std::string::npos);

    for (const auto &options : std::vector<std::vector<std::string>>{
             {}, {"--web", "127.0.0.1:8080"}, {"--metrics", "198.51.100.99:9468"}, {"--guard-only"}}) {
        auto with_json = options;
        with_json.insert(with_json.end(), {"--log-format", "json"});
        std::istringstream lines(log_of_failure(with_json));
        json last;
        for (std::string line; std::getline(lines, line);) {
            INFO(line);
            last = json::parse(line, nullptr, false);
            REQUIRE(last.is_object());
        }
        CHECK(last.at("level") == "critical");
        CHECK_FALSE(last.at("message").get<std::string>().empty());
    }
}

TEST_CASE("start: only one daemon per bpffs folder, and its lock is released on exit and by 'down'") {
    need_root();
    const TwoArm testbed;
    const Namespace other("e2e-other");
    Daemon glbd(testbed.node);
    glbd.start(testbed.manifest());
    const auto pins = glbd.pins();
    Daemon second(other);
    const std::vector<std::string> same_pins = {"--bpffs", glbd.bpffs()};
    for (const auto &options : std::vector<std::vector<std::string>>{{}, {"--guard-only"}}) {
        auto with_pins = options;
        with_pins.insert(with_pins.end(), same_pins.begin(), same_pins.end());
        auto &process = second.launch(testbed.manifest(), with_pins);
        REQUIRE(process.wait(10s));
        INFO(second.log());
        CHECK(process.code() == 1);
        CHECK(second.log().find(fmt::format("directory {} is in use by another process (pid {})",
                                            glbd.bpffs().string(), glbd.pid())) != std::string::npos);
    }
    CHECK(glbd.pins() == pins);

    glbd.kill9();
    glbd.start(); // the lock was released with the process
    REQUIRE(eventually(10s, [&] { return glbd.must_ctl({"status"}).at("ready") == true; }));
    // 'down' releases the lock. The idle daemon acquires it again on apply unless another daemon has it.
    REQUIRE(glbd.ctl({"down", "--yes"}).code == 0);
    second.start(nullptr, same_pins);
    const auto refused = glbd.apply(testbed.manifest());
    CHECK(refused.code == 1);
    CHECK(refused.text.find(fmt::format("pid {}", second.pid())) != std::string::npos);
    second.terminate();
    CHECK(glbd.apply(testbed.manifest()).code == 0);
}
