// What glbd starts with: which manifest, and what it says where it cannot start.
#include <sstream>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "tests/harness/skip.h"
#include "tests/netns/testbed/testbeds.h"

using namespace glb::test;
using namespace std::chrono_literals;

TEST_CASE("start: a --manifest that cannot be read stops only a daemon that needs it") {
    need_root();
    const TwoArm world;
    Daemon glbd(world.node);
    const auto missing = glbd.folder() / "missing.json";
    const std::vector<std::string> options = {"--manifest", missing};
    auto &first = glbd.launch(nullptr, options);
    REQUIRE(first.wait(10s));
    CHECK(first.code() == 1);
    CHECK(glbd.log().find("cannot open " + missing.string() + ": No such file") != std::string::npos);

    glbd.start(world.manifest());
    const auto in_force = glbd.must_ctl({"export"});
    glbd.terminate();
    glbd.start(nullptr, options);
    INFO(glbd.log());
    CHECK(glbd.must_ctl({"export"}) == in_force);
    CHECK(glbd.log().find("cannot open " + missing.string()) != std::string::npos);
    CHECK(eventually(10s, [&] { return glbd.must_ctl({"status"}).at("ready") == true; }));
    glbd.terminate();

    auto &guard = glbd.launch(nullptr, {"--guard-only", "--manifest", missing});
    REQUIRE(guard.wait(10s));
    INFO(glbd.log());
    CHECK(guard.code() == 0);
}

TEST_CASE("start: why it fails is told as all else, and names the manifest's file and the place in it") {
    need_root();
    const TwoArm world;
    auto manifest = world.manifest();
    manifest["endpoints"][0]["targetGroup"] = "nobody";
    manifest["node"]["surprise"] = 1;
    Daemon glbd(world.node);
    const auto last_words = [&](const std::vector<std::string> &options) {
        auto &process = glbd.launch(manifest, options);
        REQUIRE(process.wait(10s));
        CHECK(process.code() == 1);
        return glbd.log();
    };
    const auto text = last_words({});
    INFO(text);
    for (const std::string place :
         {"manifest.json: /endpoints/0/targetGroup: ", "manifest.json: /node/surprise: "})
        CHECK(text.find(place) != std::string::npos);

    for (const auto &options : std::vector<std::vector<std::string>>{
             {}, {"--web", "127.0.0.1:8080"}, {"--metrics", "198.51.100.99:9468"}, {"--guard-only"}}) {
        auto with_json = options;
        with_json.insert(with_json.end(), {"--log-format", "json"});
        std::istringstream lines(last_words(with_json));
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

TEST_CASE("start: one daemon a bpffs, whatever their state folders; the lock goes with its process, and with "
          "down") {
    need_root();
    const TwoArm world;
    const Namespace other("e2e-other");
    Daemon glbd(world.node);
    glbd.start(world.manifest());
    const auto in_force = glbd.pins();
    Daemon second(other);
    const std::vector<std::string> same_pins = {"--bpffs", glbd.bpffs()};
    for (const auto &options : std::vector<std::vector<std::string>>{{}, {"--guard-only"}}) {
        auto with_pins = options;
        with_pins.insert(with_pins.end(), same_pins.begin(), same_pins.end());
        auto &process = second.launch(world.manifest(), with_pins);
        REQUIRE(process.wait(10s));
        INFO(second.log());
        CHECK(process.code() == 1);
        CHECK(second.log().find(fmt::format("folder {} is in use by another process (pid {})",
                                            glbd.bpffs().string(), glbd.pid())) != std::string::npos);
    }
    CHECK(glbd.pins() == in_force);

    glbd.kill9();
    glbd.start(); // nobody has it any more
    REQUIRE(eventually(10s, [&] { return glbd.must_ctl({"status"}).at("ready") == true; }));
    // After down the folder is free, and the daemon that idles takes it back only where nobody else did.
    REQUIRE(glbd.ctl({"down", "--yes"}).code == 0);
    second.start(nullptr, same_pins);
    const auto refused = glbd.apply(world.manifest());
    CHECK(refused.code == 1);
    CHECK(refused.text.find(fmt::format("pid {}", second.pid())) != std::string::npos);
    second.terminate();
    CHECK(glbd.apply(world.manifest()).code == 0);
}
