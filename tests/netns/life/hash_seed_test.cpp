// node.hashSeed is a secret: who knows it can choose flows that all select one target.
#include <algorithm>
#include <cctype>
#include <fstream>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <sys/stat.h>

#include "tests/harness/skip.h"
#include "tests/netns/testbed/testbeds.h"

using namespace glb::test;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

constexpr auto written = "00112233445566778899aabbccddeeff";

/// The seed of the state folder, as hex digits. Checks that root alone can read it.
std::string stored_seed(const Daemon &glbd) {
    const auto file = glbd.folder() / "state/hash-seed";
    CHECK((fs::status(file).permissions() & fs::perms::all) ==
          (fs::perms::owner_read | fs::perms::owner_write));
    std::string seed;
    std::ifstream lines(file);
    for (std::string line; std::getline(lines, line);)
        seed = line; // the last one: the first is the checksum
    REQUIRE(seed.size() == 32);
    REQUIRE(seed.find_first_not_of("0123456789abcdef") == std::string::npos);
    return seed;
}

/// What every reading command of glbctl prints, and the metrics.
std::string read_all(const TwoArm &testbed, const Daemon &glbd) {
    std::string text;
    for (const std::string command :
         {"export", "status", "endpoints", "targets", "flows", "guard", "history", "drops", "counters"}) {
        const auto result = glbd.ctl({command});
        REQUIRE(result.code == 0);
        text += result.text;
    }
    return text + testbed.node.must({"curl", "-s", "http://127.0.0.1:9468/metrics"});
}

bool contains(std::string text, const std::string &seed) {
    std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::tolower(c); });
    return text.find(seed) != std::string::npos;
}

/// `glbctl export` as a user without privileges, of the group `group`.
CommandResult export_as(const TwoArm &testbed, const Daemon &glbd, gid_t group) {
    return testbed.node.run({"setpriv", "--reuid=65534", fmt::format("--regid={}", group), "--clear-groups",
                             fs::path(GLB_BIN_FOLDER) / "glbctl", "--socket", glbd.socket_path(), "export"});
}

} // namespace

TEST_CASE("hash seed: a generated one is in neither API, nor metrics, nor log") {
    need_root();
    const TwoArm testbed;
    Daemon glbd(testbed.node);
    glbd.start(testbed.manifest(), {"--log-level", "trace"});
    REQUIRE(glbd.wait_healthy(1));
    const auto seed = stored_seed(glbd);
    CHECK_FALSE(contains(read_all(testbed, glbd), seed));
    CHECK_FALSE(glbd.must_ctl({"export"}).at("node").contains("hashSeed"));
    auto other = testbed.manifest();
    other["targetGroups"][0]["targets"][0]["weight"] = 2;
    CHECK_FALSE(contains(glbd.apply(other).text, seed));
    glbd.kill9(); // the next one reads it from the running data path, and stores it
    CHECK_FALSE(contains(glbd.log(), seed));
    for (const auto *copy : {"hash-seed", "hash-seed.previous"})
        fs::remove(glbd.folder() / "state" / copy);
    glbd.start(nullptr, {"--log-level", "trace"});
    CHECK(stored_seed(glbd) == seed);
    CHECK_FALSE(contains(read_all(testbed, glbd), seed));
    CHECK_FALSE(contains(glbd.log(), seed));
}

TEST_CASE("hash seed: one of the manifest is shown to root and the socket's group alone, and never logged") {
    need_root();
    const TwoArm testbed;
    Daemon glbd(testbed.node);
    auto manifest = testbed.manifest();
    manifest["node"]["hashSeed"] = written;
    glbd.start(manifest, {"--log-level", "trace"});
    CHECK(stored_seed(glbd) == written);
    CHECK(glbd.must_ctl({"export"}).at("node").at("hashSeed") == written);

    struct stat socket {};
    REQUIRE(::stat(glbd.socket_path().c_str(), &socket) == 0);
    CHECK((socket.st_mode & 07777) == 0660);
    fs::permissions(glbd.folder(), fs::perms(0711)); // the socket's mode decides, not the test's folder
    fs::permissions(glbd.folder() / "run", fs::perms(0711));
    const auto member = export_as(testbed, glbd, socket.st_gid);
    CHECK(member.code == 0);
    CHECK(contains(member.output, written));
    const auto stranger = export_as(testbed, glbd, 65534);
    CHECK(stranger.code == 1);
    CHECK_FALSE(contains(stranger.output, written));
    CHECK(contains(stranger.output, "permission denied"));

    const auto changed = "ffeeddccbbaa99887766554433221100";
    manifest["node"]["hashSeed"] = changed;
    CHECK(glbd.apply(manifest).code == 0);
    CHECK(stored_seed(glbd) == changed);
    const auto metrics = testbed.node.must({"curl", "-s", "http://127.0.0.1:9468/metrics"});
    for (const auto *seed : {written, changed}) {
        CHECK_FALSE(contains(glbd.log(), seed));
        CHECK_FALSE(contains(metrics, seed));
    }
}
