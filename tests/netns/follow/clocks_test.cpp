// Wall-clock steps of a day in either direction change nothing: every timer is monotonic.
#include <fstream>
#include <thread>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "tests/harness/skip.h"
#include "tests/netns/testbed/backlog.h"
#include "tests/netns/testbed/drill.h"
#include "tests/netns/testbed/testbeds.h"

using namespace glb::test;
using namespace std::chrono_literals;

namespace {

/// The wall clock of one process, by libfaketime, which leaves its monotonic clocks alone.
class WallClock {
  public:
    WallClock() { step("+0"); }
    void step(const std::string &offset) const { std::ofstream(file()) << offset << "\n"; }
    [[nodiscard]] std::vector<std::string> launcher() const {
        return {"env", "LD_PRELOAD=/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
                "FAKETIME_DONT_FAKE_MONOTONIC=1", "FAKETIME_NO_CACHE=1",
                "FAKETIME_TIMESTAMP_FILE=" + file().string()};
    }

  private:
    [[nodiscard]] std::filesystem::path file() const { return folder_.path() / "offset"; }
    TempFolder folder_;
};

} // namespace

TEST_CASE("clocks: steps of a day in either direction change no target, no flow, no drain") {
    need_root();
    const TwoArm world({.appliances = 3});
    const TcpServer echo(world.server, 7000);
    const UdpEcho udp(world.server, 7001);
    const WallClock clock;
    Daemon glbd(world.node);
    auto manifest = world.manifest();
    glbd.launch(manifest, {}, clock.launcher());
    REQUIRE(eventually(60s, [&] { return glbd.ctl({"status"}).code == 0; }));
    REQUIRE(glbd.wait_healthy(3));
    TcpFlows flows(world.client);
    REQUIRE(flows.open(random_flows(60, 7000)) == 60);
    const LongBacklog backlog;
    UdpStream stream(world.client, TwoArm::server_address, 7001, 1000);
    // One target drains: its delay of five minutes must neither end at once nor never.
    auto smaller = manifest;
    smaller["targetGroups"][0]["targets"].erase(2);
    REQUIRE(glbd.apply(smaller).code == 0);
    const auto states = [&] {
        std::string all;
        for (const auto &row : glbd.must_ctl({"targets"}).at("targets"))
            all += row.at("id").get<std::string>() + " " + row.at("state").get<std::string>() + "\n";
        return all;
    };
    const auto before = states();
    const auto total = glbd.flows({"--protocol", "tcp"}).size();
    for (const std::string offset : {"+1d", "-1d", "+0", "-2d", "+2d"}) {
        clock.step(offset);
        std::this_thread::sleep_for(
            2500ms); // more than an interval of the health checks, and a scan of the table
        INFO(offset << "\n" << glbd.log());
        CHECK(states() == before);
        CHECK(flows.exchange() == 60);
        CHECK(glbd.flows({"--protocol", "tcp"}).size() == total);
        const auto uptime = glbd.must_ctl({"status"}).at("uptimeSeconds").get<double>();
        CHECK((uptime >= 0 && uptime < 3600)); // a step is a day
    }
    const auto tally = stream.finish();
    tell_drill("wall clock steps", {tally.sent, tally.lost()});
    CHECK(tally.lost() == 0);
}
