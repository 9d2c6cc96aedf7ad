// Steps of the wall clock by a day have no effect: every timer is monotonic.
#include <fstream>
#include <thread>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "tests/harness/skip.h"
#include "tests/netns/testbed/backlog.h"
#include "tests/netns/testbed/scenario.h"
#include "tests/netns/testbed/testbeds.h"

using namespace glb::test;
using namespace std::chrono_literals;

namespace {

/// The wall clock of one process, faked by libfaketime. Its monotonic clocks are not changed.
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

TEST_CASE("wall clock: steps of a day in either direction change no target state, flow or drain") {
    need_root();
    const TwoArm testbed({.appliances = 3});
    const TcpServer echo(testbed.server, 7000);
    const UdpEcho udp(testbed.server, 7001);
    const WallClock clock;
    Daemon glbd(testbed.node);
    auto manifest = testbed.manifest();
    glbd.launch(manifest, {}, clock.launcher());
    REQUIRE(eventually(60s, [&] { return glbd.ctl({"status"}).code == 0; }));
    REQUIRE(glbd.wait_healthy(3));
    TcpFlows flows(testbed.client);
    REQUIRE(flows.open(random_flows(60, 7000)) == 60);
    const LongBacklog backlog;
    UdpStream stream(testbed.client, TwoArm::server_address, 7001, 1000);
    // One target drains: a step must neither end nor extend its delay of five minutes.
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
        std::this_thread::sleep_for(2500ms); // longer than the health check interval and the flow table scan
        INFO(offset << "\n" << glbd.log());
        CHECK(states() == before);
        CHECK(flows.exchange() == 60);
        CHECK(glbd.flows({"--protocol", "tcp"}).size() == total);
        const auto uptime = glbd.must_ctl({"status"}).at("uptimeSeconds").get<double>();
        CHECK((uptime >= 0 && uptime < 3600)); // not changed by a step of a day
    }
    const auto tally = stream.finish();
    record_scenario("wall clock stepped by one and two days", {tally.sent, tally.lost()});
    CHECK(tally.lost() == 0);
}
