// A fault at every step of a change: the kernel has either the complete old or the complete new state, all
// traffic stays inspected, and a later change succeeds.
#include <catch2/catch.hpp>

#include <fmt/format.h>

#include "tests/harness/skip.h"
#include "tests/netns/faults/fault_file.h"
#include "tests/netns/faults/kernel_image.h"
#include "tests/netns/faults/step_distance.h"
#include "tests/netns/testbed/backlog.h"
#include "tests/netns/testbed/capture.h"
#include "tests/netns/testbed/scenario.h"
#include "tests/netns/testbed/testbeds.h"

using namespace glb::test;
using namespace std::chrono_literals;

namespace {

/// Two manifests that differ in the Maglev table, in the configuration bank, and in an interface of the
/// endpoint.
struct Fixture {
    TwoArm testbed{{.appliances = 2}};
    UdpEcho udp{testbed.server, 7001};
    Daemon glbd{testbed.node};
    FaultFile faults{glbd.folder() / "fault"};
    json before, after;
    std::vector<std::string> devices;

    Fixture() {
        testbed.node.must({"ip", "link", "add", "extra0", "type", "veth", "peer", "name", "extra1"});
        for (const char *device : {"extra0", "extra1"})
            testbed.node.must({"ip", "link", "set", device, "up"});
        devices = testbed.devices;
        devices.push_back("extra0");
        before = after = testbed.manifest();
        auto &group = after["targetGroups"][0];
        group["stickiness"] = "3-tuple";
        group["idleTimeout"] = {{"tcpSeconds", 100}};
        group["targets"][0]["weight"] = 3;
        after["endpoints"][0]["interfaces"].push_back("extra0");
        after["node"]["ownAddresses"] = {"203.0.113.77/32"};
    }

    void start() {
        glbd.launch(before, {}, faults.launcher());
        REQUIRE(eventually(60s, [&] {
            const auto answer = glbd.ctl({"status"});
            return answer.code == 0 && answer.document.at("ready") == true;
        }));
        REQUIRE(glbd.wait_healthy(2));
    }

    /// Drop reasons with packet counts other than 0.
    std::string drops() const {
        std::string text;
        for (const auto &row : glbd.must_ctl({"drops"}).at("drops"))
            if (row.at("packets") != 0)
                text += row.at("reason").get<std::string>() + " " + row.at("packets").dump() + " ";
        return text;
    }

    /// The last part of the daemon's log.
    std::string log_tail() const {
        const auto log = glbd.log();
        return log.substr(log.size() - std::min<std::size_t>(log.size(), 1500));
    }

    std::string image() const { return kernel_image(testbed.node, glbd.bpffs(), devices); }

    /// Applies `manifest`, waits until the kernel state is stable, and returns it.
    std::string stable_image(const json &manifest) {
        REQUIRE(glbd.apply(manifest).code == 0);
        std::string last;
        REQUIRE(eventually(20s, [&] {
            const auto now = image();
            return std::exchange(last, now) == now;
        }));
        return last;
    }
};

} // namespace

TEST_CASE(
    "faults: change that fails at any step is applied completely or not at all, and the next one succeeds") {
    need_root();
    Fixture fixture;
    fixture.start();
    // Each once in advance, so that every index and row is allocated.
    (void)fixture.stable_image(fixture.before);
    (void)fixture.stable_image(fixture.after);
    const auto old_image = fixture.stable_image(fixture.before);
    const auto new_image = fixture.stable_image(fixture.after);
    REQUIRE(old_image != new_image);
    REQUIRE(difference(fixture.stable_image(fixture.before), old_image) == "");

    fixture.faults.arm(0);
    REQUIRE(fixture.glbd.apply(fixture.after).code == 0);
    const auto steps = fixture.faults.disarm();
    INFO("a change takes " << steps << " calls");
    REQUIRE(steps > 20);
    REQUIRE(fixture.stable_image(fixture.before) == old_image);

    Capture first(fixture.testbed.appliances[0]->ns()), second(fixture.testbed.appliances[1]->ns());
    const LongBacklog backlog;
    UdpStream stream(fixture.testbed.client, TwoArm::server_address, 7001, 500);
    unsigned refused = 0;
    for (std::uint32_t step = 1; step <= steps; step += step_distance(31, 1)) {
        fixture.faults.arm(step);
        const auto answer = fixture.glbd.apply(fixture.after);
        fixture.faults.disarm();
        INFO("step " << step << " of " << steps << ": " << fixture.faults.where() << "\n"
                     << answer.text << fixture.log_tail());
        REQUIRE((answer.code == 0 || answer.code == 1));
        refused += answer.code == 1;
        const auto image = fixture.image();
        const auto &wanted = answer.code == 0 ? new_image : old_image;
        CHECK(difference(image, wanted) == "");
        if (image != wanted) // what a fault after the change left behind is repaired on the next tick
            REQUIRE(eventually(15s, [&] { return fixture.image() == wanted; }));
        REQUIRE(fixture.glbd.apply(fixture.after).code == 0);
        REQUIRE(eventually(15s, [&] { return fixture.image() == new_image; }));
        REQUIRE(fixture.glbd.apply(fixture.before).code == 0);
        REQUIRE(eventually(15s, [&] { return fixture.image() == old_image; }));
    }
    CHECK(refused > steps / step_distance(31, 1) / 2); // most faults had an effect
    const auto tally = stream.finish();
    INFO("drops: " << fixture.drops());
    CHECK(tally.lost() == 0);
    record_scenario(fmt::format("{} of {} calls of a change fail, one at a time",
                                (steps - 1) / step_distance(31, 1) + 1, steps),
                    {tally.sent, tally.lost()});
    std::uint64_t inspected = 0;
    for (auto *capture : {&first, &second})
        for (const auto &[flow, packets] : capture->flows())
            if (flow.ip_proto == IPPROTO_UDP)
                inspected += packets.to_appliance[0] + packets.to_appliance[1];
    CHECK(inspected >= 2 * tally.sent);
    CHECK(fixture.glbd.uninspected() == 0);
}

TEST_CASE("faults: change whose rollback fails too keeps traffic flowing, and the daemon repairs the state") {
    need_root();
    Fixture fixture;
    fixture.start();
    const auto new_image = fixture.stable_image(fixture.after);
    const auto old_image = fixture.stable_image(fixture.before);
    fixture.faults.arm(0);
    REQUIRE(fixture.glbd.apply(fixture.after).code == 0);
    const auto steps = fixture.faults.disarm();
    REQUIRE(fixture.stable_image(fixture.before) == old_image);
    const LongBacklog backlog;
    UdpStream stream(fixture.testbed.client, TwoArm::server_address, 7001, 500);
    unsigned tried = 0, affected = 0;
    for (std::uint32_t step = 1; step <= steps; step += step_distance(101, 1)) {
        fixture.faults.arm(step, true);
        const auto answer = fixture.glbd.apply(fixture.after);
        ++tried;
        affected += fixture.faults.failed() > 0;
        INFO("from step " << step << " of " << steps << " on: " << fixture.faults.where() << "\n"
                          << answer.text);
        REQUIRE(
            (answer.code == 0 || answer.code == 1)); // a failure of the last calls does not fail the change
        const auto &wanted = answer.code == 0 ? new_image : old_image;
        fixture.faults.disarm();
        std::string differs;
        (void)eventually(20s, [&] { return (differs = difference(fixture.image(), wanted)).empty(); });
        INFO(fixture.log_tail());
        REQUIRE(differs == "");
        REQUIRE(eventually(20s, [&] { return fixture.glbd.must_ctl({"status"}).at("ready") == true; }));
        if (answer.code == 0) {
            REQUIRE(fixture.glbd.apply(fixture.before).code == 0);
            (void)eventually(20s, [&] { return (differs = difference(fixture.image(), old_image)).empty(); });
            REQUIRE(differs == "");
        }
    }
    CHECK(affected > tried / 2);
    const auto tally = stream.finish();
    CHECK(tally.lost() == 0);
    record_scenario("rollback fails too", {tally.sent, tally.lost()});
}
