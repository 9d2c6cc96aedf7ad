// SIGKILL at every step of glbd. Nothing passes uninspected afterwards, and the next daemon completes the
// operation.
#include <catch2/catch.hpp>

#include <set>

#include <fmt/format.h>

#include "tests/harness/skip.h"
#include "tests/netns/faults/fault_file.h"
#include "tests/netns/faults/step_distance.h"
#include "tests/netns/testbed/backlog.h"
#include "tests/netns/testbed/scenario.h"
#include "tests/netns/testbed/testbeds.h"

using namespace glb::test;
using namespace std::chrono_literals;

namespace {

/// The only appliance drops everything: any packet of the stream that reaches the server has passed
/// uninspected.
struct Fixture {
    Fixture() {
        testbed.appliances[0]->ns().must(
            {"nft", "table ip drop_all { chain c { type filter hook prerouting priority raw; "
                    "udp dport 6081 drop; }; }"});
        testbed.server.must(
            {"nft",
             "table inet arrivals { counter arrived {}; chain c { type filter hook prerouting priority raw; "
             "udp dport 7001 counter name arrived; }; }"});
        manifest = testbed.manifest();
    }

    std::uint64_t uninspected() const {
        const auto listed = json::parse(testbed.server.must({"nft", "-j", "list", "counters"}));
        for (const auto &row : listed.at("nftables"))
            if (row.contains("counter"))
                return row.at("counter").at("packets");
        throw std::runtime_error("the server has no nftables counter");
    }

    bool wait_ready() const {
        return eventually(60s, [&] {
            const auto answer = glbd.ctl({"status"});
            return answer.code == 0 && answer.document.at("ready") == true;
        });
    }

    /// Installs the guard as at boot. Before, the kernel routes, which proves that the counter works.
    void install_boot_guard() {
        {
            const UdpStream open(testbed.client, TwoArm::server_address, 7001, 500);
            REQUIRE(eventually(5s, [&] { return uninspected() > 0; }));
        }
        auto &once = glbd.launch(manifest, {"--guard-only"});
        REQUIRE(once.wait(10s));
        REQUIRE(once.code() == 0);
        std::this_thread::sleep_for(20ms);
        (void)testbed.server.must({"nft", "reset", "counters"});
    }

    /// Starts glbd with the armed faults. True if it became ready.
    bool start_with_faults() {
        auto &process = glbd.launch(manifest, {}, faults.launcher());
        bool ready = false;
        (void)eventually(60s, [&] {
            if (!process.running())
                return true;
            const auto answer = glbd.ctl({"status"});
            return ready = answer.code == 0 && answer.document.at("ready") == true;
        });
        return ready;
    }

    TwoArm testbed;
    json manifest;
    Daemon glbd{testbed.node};
    FaultFile faults{glbd.folder() / "fault"};
};

} // namespace

TEST_CASE("crash points: SIGKILL at every start-up step never forwards uninspected") {
    need_root();
    Fixture fixture;
    fixture.install_boot_guard();
    UdpStream stream(fixture.testbed.client, TwoArm::server_address, 7001, 500);
    fixture.faults.arm(0);
    REQUIRE(fixture.start_with_faults());
    const auto steps = fixture.faults.disarm();
    REQUIRE(steps > 100);
    unsigned killed = 0;
    for (std::uint32_t step = 1; step <= steps; step += step_distance(101, 3)) {
        REQUIRE(fixture.glbd.ctl({"down", "--yes", "--keep-guard"}).code == 0);
        fixture.glbd.terminate();
        fixture.faults.arm_kill(step);
        killed += !fixture.start_with_faults();
        INFO("killed at step " << step << " of " << steps << ": " << fixture.faults.where());
        fixture.faults.disarm();
        std::this_thread::sleep_for(50ms); // some more packets
        REQUIRE(fixture.uninspected() == 0);
        fixture.glbd.kill9();
        fixture.glbd.launch(fixture.manifest);
        REQUIRE(fixture.wait_ready());
        REQUIRE(fixture.uninspected() == 0);
    }
    CHECK(killed > steps / step_distance(101, 3) / 2);
    const auto tally = stream.finish();
    CHECK(tally.sent > 500);
    CHECK(fixture.glbd.must_ctl({"guard"}).at("uninspected").at("packets") > 0); // the guard did drop packets
    CHECK(fixture.uninspected() == 0);
    record_scenario(
        fmt::format("killed at {} of {} steps of its start", (steps - 1) / step_distance(101, 3) + 1, steps),
        {tally.sent, fixture.uninspected(), {}, "packets", "passed uninspected"});
}

TEST_CASE(
    "crash points: SIGKILL at every step of a change never forwards uninspected, and the old or the new "
    "manifest is active afterwards") {
    need_root();
    Fixture fixture;
    fixture.testbed.node.must({"ip", "link", "add", "extra0", "type", "veth", "peer", "name", "extra1"});
    auto after = fixture.manifest;
    after["targetGroups"][0]["stickiness"] = "3-tuple";
    after["endpoints"][0]["interfaces"].push_back("extra0");
    REQUIRE(fixture.start_with_faults());
    const auto exported = [&] { return fixture.glbd.must_ctl({"export"}); };
    const auto old_manifest = exported();
    fixture.faults.arm(0);
    REQUIRE(fixture.glbd.apply(after).code == 0);
    const auto steps = fixture.faults.disarm();
    const auto new_manifest = exported();
    REQUIRE(fixture.glbd.apply(fixture.manifest).code == 0);
    UdpStream stream(fixture.testbed.client, TwoArm::server_address, 7001, 500);
    unsigned tried = 0, killed = 0;
    for (std::uint32_t step = 1; step <= steps; step += step_distance(67, 3)) {
        fixture.faults.arm_kill(step);
        (void)fixture.glbd.apply(after);
        ++tried;
        killed += fixture.faults.failed();
        INFO("killed at step " << step << " of " << steps << ": " << fixture.faults.where());
        fixture.faults.disarm();
        std::this_thread::sleep_for(50ms);
        REQUIRE(fixture.uninspected() == 0);
        fixture.glbd.kill9();
        REQUIRE(fixture.start_with_faults());
        const auto now = exported();
        CHECK((now == old_manifest || now == new_manifest));
        REQUIRE(fixture.uninspected() == 0);
        REQUIRE(fixture.glbd.apply(fixture.manifest).code == 0);
    }
    CHECK(killed > tried / 2);
    const auto tally = stream.finish();
    CHECK(tally.sent > 500);
    CHECK(fixture.uninspected() == 0);
    record_scenario(fmt::format("killed at {} of {} steps of a change", tried, steps),
                    {tally.sent, fixture.uninspected(), {}, "packets", "passed uninspected"});
}

TEST_CASE("link update: failure on one interface leaves the same program on all, and no packet is lost") {
    need_root();
    const TwoArm testbed({.appliances = 2});
    const UdpEcho udp(testbed.server, 7001);
    Daemon glbd(testbed.node);
    FaultFile faults(glbd.folder() / "fault");
    auto manifest = testbed.manifest();
    glbd.launch(manifest, {}, faults.launcher());
    REQUIRE(eventually(60s, [&] { return glbd.ctl({"status"}).code == 0; }));
    REQUIRE(glbd.wait_healthy(2));
    const auto programs = [&] {
        std::set<std::string> ids;
        for (const auto &device : testbed.devices) {
            const auto text = testbed.node.must({"ip", "-j", "link", "show", device});
            ids.insert(json::parse(text)[0].at("xdp").at("prog").at("id").dump());
        }
        return ids;
    };
    const auto capacity = [&] {
        return glbd.must_ctl({"status"}).at("flows").at("capacity").get<unsigned>();
    };
    REQUIRE(programs().size() == 1);
    const LongBacklog backlog;
    UdpStream stream(testbed.client, TwoArm::server_address, 7001, 1000);
    unsigned before = capacity();
    // Six link updates of three interfaces: first to the program that reads both tables, then to the final
    // one.
    for (std::uint32_t update = 1; update <= 6; ++update) {
        const unsigned wanted = before == 131072 ? 65536 : 131072;
        manifest["node"]["flowTable"]["capacity"] = wanted;
        faults.arm_links(update);
        REQUIRE(glbd.apply(manifest).code == 0);
        REQUIRE(eventually(20s, [&] { return faults.failed() == 1; }));
        INFO("link update " << update << "\n" << glbd.log());
        CHECK(eventually(10s, [&] { return programs().size() == 1; }));
        faults.disarm();
        REQUIRE(glbd.apply(manifest).code == 0); // retries
        REQUIRE(eventually(20s, [&] { return capacity() == wanted; }));
        CHECK(programs().size() == 1);
        before = wanted;
    }
    const auto tally = stream.finish();
    CHECK(tally.lost() == 0);
    CHECK(glbd.uninspected() == 0);
    record_scenario("a link update fails", {tally.sent, tally.lost()});
}
