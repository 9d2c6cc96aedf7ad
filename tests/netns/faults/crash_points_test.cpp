// glbd killed at any of its steps: nothing passes uninspected then, and the next daemon finishes what was
// begun.
#include <catch2/catch.hpp>

#include <set>

#include "tests/harness/skip.h"
#include "tests/netns/faults/fault_file.h"
#include "tests/netns/testbed/backlog.h"
#include "tests/netns/testbed/drill.h"
#include "tests/netns/testbed/testbeds.h"

using namespace glb::test;
using namespace std::chrono_literals;

namespace {

/// Every how-manieth step is tried. GLB_DRILL=full: nearly each of them.
std::uint32_t stride(std::uint32_t in_short) {
    return drill_in_full() ? 3 : in_short;
}

/// The only appliance swallows all it gets: what the server sees of the stream has passed uninspected.
struct Swallowed {
    Swallowed() {
        world.appliances[0]->ns().must(
            {"nft", "table ip swallow { chain c { type filter hook prerouting priority raw; "
                    "udp dport 6081 drop; }; }"});
        world.server.must(
            {"nft", "table inet seen { counter came {}; chain c { type filter hook prerouting priority raw; "
                    "udp dport 7001 counter name came; }; }"});
        manifest = world.manifest();
    }

    std::uint64_t uninspected() const {
        const auto listed = json::parse(world.server.must({"nft", "-j", "list", "counters"}));
        for (const auto &row : listed.at("nftables"))
            if (row.contains("counter"))
                return row.at("counter").at("packets");
        throw std::runtime_error("no counter");
    }

    bool is_ready() const {
        return eventually(60s, [&] {
            const auto answer = glbd.ctl({"status"});
            return answer.code == 0 && answer.document.at("ready") == true;
        });
    }

    /// As at boot. Without it the kernel would route: that the counter sees.
    void guard_first() {
        {
            const UdpStream open(world.client, TwoArm::server_address, 7001, 500);
            REQUIRE(eventually(5s, [&] { return uninspected() > 0; }));
        }
        auto &once = glbd.launch(manifest, {"--guard-only"});
        REQUIRE(once.wait(10s));
        REQUIRE(once.code() == 0);
        std::this_thread::sleep_for(20ms);
        (void)world.server.must({"nft", "reset", "counters"});
    }

    /// Starts glbd with the faults that are armed; true where it lived through its start.
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

    TwoArm world;
    json manifest;
    Daemon glbd{world.node};
    FaultFile faults{glbd.folder() / "fault"};
};

} // namespace

TEST_CASE("cut: killed at any step of its start, glbd lets nothing pass, and the next one finishes it") {
    need_root();
    Swallowed it;
    it.guard_first();
    UdpStream stream(it.world.client, TwoArm::server_address, 7001, 500);
    it.faults.arm(0);
    REQUIRE(it.start_with_faults());
    const auto steps = it.faults.disarm();
    REQUIRE(steps > 100);
    unsigned killed = 0;
    for (std::uint32_t step = 1; step <= steps; step += stride(40)) {
        REQUIRE(it.glbd.ctl({"down", "--yes", "--keep-guard"}).code == 0);
        it.glbd.terminate();
        it.faults.arm_kill(step);
        killed += !it.start_with_faults();
        INFO("killed at step " << step << " of " << steps << ": " << it.faults.where());
        it.faults.disarm();
        std::this_thread::sleep_for(50ms); // some packets more
        REQUIRE(it.uninspected() == 0);
        it.glbd.kill9();
        it.glbd.launch(it.manifest);
        REQUIRE(it.is_ready());
        REQUIRE(it.uninspected() == 0);
    }
    CHECK(killed > steps / stride(40) / 2);
    const auto tally = stream.finish();
    CHECK(tally.sent > 500);
    CHECK(it.glbd.must_ctl({"guard"}).at("uninspected").at("packets") > 0); // they were there to be stopped
    CHECK(it.uninspected() == 0);
    tell_drill("killed at a step of its start",
               {tally.sent, it.uninspected(), {}, "packets", "passed uninspected"});
}

TEST_CASE("cut: killed at any step of a change, glbd lets nothing pass, and the next one has the old "
          "manifest or the new") {
    need_root();
    Swallowed it;
    it.world.node.must({"ip", "link", "add", "extra0", "type", "veth", "peer", "name", "extra1"});
    auto after = it.manifest;
    after["targetGroups"][0]["stickiness"] = "3-tuple";
    after["endpoints"][0]["interfaces"].push_back("extra0");
    REQUIRE(it.start_with_faults());
    const auto epoch_of = [&] { return it.glbd.must_ctl({"export"}); };
    const auto old_manifest = epoch_of();
    it.faults.arm(0);
    REQUIRE(it.glbd.apply(after).code == 0);
    const auto steps = it.faults.disarm();
    const auto new_manifest = epoch_of();
    REQUIRE(it.glbd.apply(it.manifest).code == 0);
    UdpStream stream(it.world.client, TwoArm::server_address, 7001, 500);
    for (std::uint32_t step = 1; step <= steps; step += stride(25)) {
        it.faults.arm_kill(step);
        (void)it.glbd.apply(after);
        INFO("killed at step " << step << " of " << steps << ": " << it.faults.where());
        it.faults.disarm();
        std::this_thread::sleep_for(50ms);
        REQUIRE(it.uninspected() == 0);
        it.glbd.kill9();
        REQUIRE(it.start_with_faults());
        const auto now = epoch_of();
        CHECK((now == old_manifest || now == new_manifest));
        REQUIRE(it.uninspected() == 0);
        REQUIRE(it.glbd.apply(it.manifest).code == 0);
    }
    const auto tally = stream.finish();
    CHECK(tally.sent > 500);
    CHECK(it.uninspected() == 0);
    tell_drill("killed at a step of a change",
               {tally.sent, it.uninspected(), {}, "packets", "passed uninspected"});
}

TEST_CASE("cut: a link that refuses another program leaves all interfaces with one, and traffic whole") {
    need_root();
    const TwoArm world({.appliances = 2});
    const UdpEcho udp(world.server, 7001);
    Daemon glbd(world.node);
    FaultFile faults(glbd.folder() / "fault");
    auto manifest = world.manifest();
    glbd.launch(manifest, {}, faults.launcher());
    REQUIRE(eventually(60s, [&] { return glbd.ctl({"status"}).code == 0; }));
    REQUIRE(glbd.wait_healthy(2));
    const auto programs = [&] {
        std::set<std::string> ids;
        for (const auto &device : world.devices) {
            const auto text = world.node.must({"ip", "-j", "link", "show", device});
            ids.insert(json::parse(text)[0].at("xdp").at("prog").at("id").dump());
        }
        return ids;
    };
    const auto capacity = [&] {
        return glbd.must_ctl({"status"}).at("flows").at("capacity").get<unsigned>();
    };
    REQUIRE(programs().size() == 1);
    const LongBacklog backlog;
    UdpStream stream(world.client, TwoArm::server_address, 7001, 1000);
    unsigned before = capacity();
    for (std::uint32_t update = 1; update <= 6;
         ++update) { // three interfaces, twice: to look into both tables, and not
        const unsigned wanted = before == 131072 ? 65536 : 131072;
        manifest["node"]["flowTable"]["capacity"] = wanted;
        faults.arm_links(update);
        REQUIRE(glbd.apply(manifest).code == 0);
        REQUIRE(eventually(20s, [&] { return faults.failed() == 1; }));
        INFO("link update " << update << "\n" << glbd.log());
        CHECK(eventually(10s, [&] { return programs().size() == 1; }));
        faults.disarm();
        REQUIRE(glbd.apply(manifest).code == 0); // asks again
        REQUIRE(eventually(20s, [&] { return capacity() == wanted; }));
        CHECK(programs().size() == 1);
        before = wanted;
    }
    const auto tally = stream.finish();
    CHECK(tally.lost() == 0);
    CHECK(glbd.uninspected() == 0);
    tell_drill("a link update fails", {tally.sent, tally.lost()});
}
