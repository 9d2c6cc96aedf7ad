// What glbd starts with: which manifest, and what it says where it cannot start.
#include <catch2/catch.hpp>

#include "tests/harness/skip.h"
#include "tests/netns/world/worlds.h"

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
