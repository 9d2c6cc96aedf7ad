// A fault at each step of a change: the kernel holds the old state or the new one as a whole, traffic flows
// inspected all the time, and a later change mends what is left.
#include <catch2/catch.hpp>

#include "tests/harness/skip.h"
#include "tests/netns/faults/fault_file.h"
#include "tests/netns/faults/kernel_image.h"
#include "tests/netns/testbed/backlog.h"
#include "tests/netns/testbed/capture.h"
#include "tests/netns/testbed/drill.h"
#include "tests/netns/testbed/testbeds.h"

using namespace glb::test;
using namespace std::chrono_literals;

namespace {

/// Every how-manieth step is tried. GLB_DRILL=full: each.
std::uint32_t stride(std::uint32_t in_short) {
    return drill_in_full() ? 1 : in_short;
}

/// Two manifests that differ in the table, in words of the bank, and in an interface of the endpoint.
struct Stage {
    TwoArm world{{.appliances = 2}};
    UdpEcho udp{world.server, 7001};
    Daemon glbd{world.node};
    FaultFile faults{glbd.folder() / "fault"};
    json before, after;
    std::vector<std::string> devices;

    Stage() {
        world.node.must({"ip", "link", "add", "extra0", "type", "veth", "peer", "name", "extra1"});
        for (const char *device : {"extra0", "extra1"})
            world.node.must({"ip", "link", "set", device, "up"});
        devices = world.devices;
        devices.push_back("extra0");
        before = after = world.manifest();
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

    /// Reasons with their packets, without those at zero.
    std::string drops() const {
        std::string text;
        for (const auto &row : glbd.must_ctl({"drops"}).at("drops"))
            if (row.at("packets") != 0)
                text += row.at("reason").get<std::string>() + " " + row.at("packets").dump() + " ";
        return text;
    }

    /// The end of the daemon's log.
    std::string last_words() const {
        const auto log = glbd.log();
        return log.substr(log.size() - std::min<std::size_t>(log.size(), 1500));
    }

    std::string image() const { return kernel_image(world.node, glbd.bpffs(), devices); }

    /// Applies it, and waits until the kernel's state rests.
    std::string settled(const json &manifest) {
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

TEST_CASE("faults: a change that fails at any step has changed nothing, or all; the next one works") {
    need_root();
    Stage stage;
    stage.start();
    (void)stage.settled(stage.before);
    (void)stage.settled(stage.after); // both once, so that every index and row has its place
    const auto old_image = stage.settled(stage.before);
    const auto new_image = stage.settled(stage.after);
    REQUIRE(old_image != new_image);
    REQUIRE(difference(stage.settled(stage.before), old_image) == "");

    stage.faults.arm(0);
    REQUIRE(stage.glbd.apply(stage.after).code == 0);
    const auto steps = stage.faults.disarm();
    INFO("a change takes " << steps << " calls");
    REQUIRE(steps > 20);
    REQUIRE(stage.settled(stage.before) == old_image);

    Witness first(stage.world.appliances[0]->ns()), second(stage.world.appliances[1]->ns());
    const LongBacklog backlog;
    UdpStream stream(stage.world.client, TwoArm::server_address, 7001, 500);
    unsigned refused = 0;
    for (std::uint32_t step = 1; step <= steps; step += stride(7)) {
        stage.faults.arm(step);
        const auto answer = stage.glbd.apply(stage.after);
        stage.faults.disarm();
        INFO("step " << step << " of " << steps << ": " << stage.faults.where() << "\n"
                     << answer.text << stage.last_words());
        REQUIRE((answer.code == 0 || answer.code == 1));
        refused += answer.code == 1;
        const auto image = stage.image();
        const auto &wanted = answer.code == 0 ? new_image : old_image;
        CHECK(difference(image, wanted) == "");
        if (image != wanted) // what a fault after the change has left is mended at the next tick
            REQUIRE(eventually(15s, [&] { return stage.image() == wanted; }));
        REQUIRE(stage.glbd.apply(stage.after).code == 0);
        REQUIRE(eventually(15s, [&] { return stage.image() == new_image; }));
        REQUIRE(stage.glbd.apply(stage.before).code == 0);
        REQUIRE(eventually(15s, [&] { return stage.image() == old_image; }));
    }
    CHECK(refused > steps / stride(7) / 2); // the faults were felt
    const auto tally = stream.finish();
    INFO("drops: " << stage.drops());
    CHECK(tally.lost() == 0);
    tell_drill("each of " + std::to_string(steps) + " calls of a change fails", {tally.sent, tally.lost()});
    std::uint64_t inspected = 0;
    for (auto *witness : {&first, &second})
        for (const auto &[flow, packets] : witness->seen())
            if (flow.ip_proto == IPPROTO_UDP)
                inspected += packets.to_appliance[0] + packets.to_appliance[1];
    CHECK(inspected >= 2 * tally.sent);
    CHECK(stage.glbd.uninspected() == 0);
}

TEST_CASE("faults: where undoing fails as well, traffic goes on, and the daemon mends it by itself") {
    need_root();
    Stage stage;
    stage.start();
    const auto new_image = stage.settled(stage.after);
    const auto old_image = stage.settled(stage.before);
    stage.faults.arm(0);
    REQUIRE(stage.glbd.apply(stage.after).code == 0);
    const auto steps = stage.faults.disarm();
    REQUIRE(stage.settled(stage.before) == old_image);
    const LongBacklog backlog;
    UdpStream stream(stage.world.client, TwoArm::server_address, 7001, 500);
    for (std::uint32_t step = 1; step <= steps; step += stride(25)) {
        stage.faults.arm(step, true);
        const auto answer = stage.glbd.apply(stage.after);
        INFO("from step " << step << " of " << steps << " on: " << stage.faults.where() << "\n"
                          << answer.text);
        REQUIRE((answer.code == 0 || answer.code == 1)); // the last calls only look at what was done
        const auto &wanted = answer.code == 0 ? new_image : old_image;
        stage.faults.disarm();
        std::string differs;
        (void)eventually(20s, [&] { return (differs = difference(stage.image(), wanted)).empty(); });
        INFO(stage.last_words());
        REQUIRE(differs == "");
        REQUIRE(eventually(20s, [&] { return stage.glbd.must_ctl({"status"}).at("ready") == true; }));
        if (answer.code == 0) {
            REQUIRE(stage.glbd.apply(stage.before).code == 0);
            (void)eventually(20s, [&] { return (differs = difference(stage.image(), old_image)).empty(); });
            REQUIRE(differs == "");
        }
    }
    const auto tally = stream.finish();
    CHECK(tally.lost() == 0);
    tell_drill("undoing fails as well", {tally.sent, tally.lost()});
}
