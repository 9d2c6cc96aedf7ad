// glbd is replaced by other versions under traffic: another map schema and table shape, and back; another
// program; a program that does not load; versions that are killed during the migration.
#include <cstdlib>
#include <random>

#include <catch2/catch.hpp>

#include "tests/harness/skip.h"
#include "tests/netns/testbed/scenario.h"
#include "tests/netns/upgrade/load.h"

using namespace glb::test;
using namespace std::chrono_literals;

namespace {

std::vector<std::string> sets_of(const Daemon &glbd) {
    std::vector<std::string> sets;
    for (const auto &pin : glbd.pins())
        if (const auto set = pin.substr(0, pin.find('/'));
            set.starts_with("v") && (sets.empty() || sets.back() != set))
            sets.push_back(set);
    return sets;
}

void replace_by(Daemon &glbd, const std::string &program) {
    glbd.kill9();
    glbd.use_program(program);
    glbd.start();
}

/// A node under load.
struct Fixture {
    TwoArm testbed{{.appliances = 3}};
    Daemon glbd{testbed.node};
    Load load{started(testbed, glbd)};

    Fixture() { load.begin(); }

  private:
    static const TwoArm &started(const TwoArm &testbed, Daemon &glbd) {
        glbd.start(testbed.manifest());
        REQUIRE(glbd.wait_healthy(3));
        return testbed;
    }
};

} // namespace

TEST_CASE("upgrade: another map schema and table shape, and back, without packet loss") {
    need_root();
    Fixture fixture;
    auto &[testbed, glbd, load] = fixture;
    const auto targets = targets_of(glbd.flows({"--protocol", "tcp"}));
    REQUIRE(targets.size() >= Load::tcp_flows);
    const auto epoch = glbd.must_ctl({"status"}).at("epoch");
    const auto drops = glbd.must_ctl({"drops"});

    load.wait_for(20000);
    replace_by(glbd, "glbd-next");
    INFO(glbd.log());
    CHECK(sets_of(glbd) == std::vector<std::string>{"v6"});
    CHECK(targets_of(glbd.flows({"--protocol", "tcp"})) == targets);
    CHECK(glbd.must_ctl({"status"}).at("epoch") == epoch);
    CHECK(glbd.counter("encapsulated") >= 20000); // counters are transferred
    load.wait_for(20000);
    CHECK(load.flows.exchange() == Load::tcp_flows);

    replace_by(glbd, "glbd");
    CHECK(sets_of(glbd) == std::vector<std::string>{"v5"});
    CHECK(targets_of(glbd.flows({"--protocol", "tcp"})) == targets);
    load.wait_for(60000);
    CHECK(load.flows.exchange() == Load::tcp_flows);
    const auto tally = load.finish();
    CHECK(tally.sent >= 100000);
    CHECK(tally.lost == 0);
    CHECK(tally.duplicate == 0);
    CHECK(load.download.intact());
    record_scenario("another schema and shape, and back", {tally.sent, tally.lost});
    CHECK(glbd.must_ctl({"drops"}) == drops);
    CHECK(glbd.uninspected() == 0);
    REQUIRE(glbd.wait_healthy(3));
    TcpFlows more(testbed.client);
    CHECK(more.open(random_flows(50, 7000, 9)) == 50);
}

/// Hidden, since it needs another build: GLB_PREVIOUS_GLBD=PATH netns_upgrade [previous]
TEST_CASE("upgrade: from the build that GLB_PREVIOUS_GLBD names, without packet loss", "[.previous]") {
    need_root();
    const char *previous = std::getenv("GLB_PREVIOUS_GLBD");
    REQUIRE(previous);
    const TwoArm testbed{{.appliances = 3}};
    Daemon glbd{testbed.node};
    glbd.use_program(previous);
    glbd.start(testbed.manifest());
    REQUIRE(glbd.wait_healthy(3));
    Load load{testbed};
    load.begin();
    const auto targets = targets_of(glbd.flows({"--protocol", "tcp"}));
    REQUIRE(targets.size() >= Load::tcp_flows);
    const auto epoch = glbd.must_ctl({"status"}).at("epoch");
    const auto sets = sets_of(glbd);
    load.wait_for(20000);
    replace_by(glbd, "glbd");
    INFO(glbd.log());
    CHECK(sets_of(glbd) != sets);
    CHECK(targets_of(glbd.flows({"--protocol", "tcp"})) == targets);
    CHECK(glbd.must_ctl({"status"}).at("epoch") == epoch);
    load.wait_for(60000);
    CHECK(load.flows.exchange() == Load::tcp_flows);
    const auto tally = load.finish();
    CHECK(tally.lost == 0);
    CHECK(load.download.intact());
    CHECK(glbd.uninspected() == 0);
    record_scenario("from the previous build", {tally.sent, tally.lost});
}

TEST_CASE("upgrade: another program on the same maps is attached, and flows keep their cookies") {
    need_root();
    Fixture fixture;
    auto &[testbed, glbd, load] = fixture;
    const auto before = testbed.node.must({"ip", "-d", "link", "show", "under0"});
    const auto cookies = [&] {
        std::map<std::string, std::string> all;
        for (const auto &flow : glbd.flows({"--protocol", "tcp"}))
            all[flow.at("source")] = flow.at("cookie");
        return all;
    };
    const auto owned = cookies();
    load.wait_for(10000);
    replace_by(glbd, "glbd-patched");
    INFO(glbd.log());
    CHECK(testbed.node.must({"ip", "-d", "link", "show", "under0"}) != before);
    CHECK(sets_of(glbd) == std::vector<std::string>{"v5"});
    load.wait_for(10000);
    CHECK(cookies() == owned);
    CHECK(load.flows.exchange() == Load::tcp_flows);
    const auto tally = load.finish();
    CHECK(tally.lost == 0);
    CHECK(load.download.intact());
    record_scenario("another program on the same maps", {tally.sent, tally.lost});
}

TEST_CASE("upgrade: program that does not load leaves the old one active, and the failure is logged") {
    need_root();
    Fixture fixture;
    auto &[testbed, glbd, load] = fixture;
    const auto targets = targets_of(glbd.flows({"--protocol", "tcp"}));
    const auto pins = glbd.pins();
    glbd.kill9();
    glbd.use_program("glbd-refused");
    auto &refused = glbd.launch(nullptr);
    CHECK(refused.wait_for_output("the data path of v5 stays active", 20s));
    CHECK(refused.running());
    load.wait_for(20000);
    CHECK(load.flows.exchange() == Load::tcp_flows);
    CHECK(glbd.pins() == pins);
    replace_by(glbd, "glbd");
    CHECK(targets_of(glbd.flows({"--protocol", "tcp"})) == targets);
    load.wait_for(10000);
    const auto tally = load.finish();
    CHECK(tally.lost == 0);
    CHECK(load.download.intact());
    record_scenario("failed upgrade", {tally.sent, tally.lost});
}

TEST_CASE("upgrade: next start resumes or restarts a migration that was killed at any time") {
    need_root();
    Fixture fixture;
    auto &[testbed, glbd, load] = fixture;
    const auto targets = targets_of(glbd.flows({"--protocol", "tcp"}));
    std::mt19937 random(7);
    for (int round = 0; round < 12; ++round) {
        glbd.kill9();
        glbd.use_program(round % 3 == 2 ? "glbd" : "glbd-next");
        (void)glbd.launch(nullptr);
        std::this_thread::sleep_for(std::chrono::milliseconds(50 + random() % 1500));
    }
    replace_by(glbd, "glbd-next");
    INFO(glbd.log());
    CHECK(sets_of(glbd) == std::vector<std::string>{"v6"});
    CHECK(targets_of(glbd.flows({"--protocol", "tcp"})) == targets);
    CHECK(load.flows.exchange() == Load::tcp_flows);
    CHECK(load.finish().lost == 0);
    CHECK(load.download.intact());
}
