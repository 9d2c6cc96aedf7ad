// glbd killed, started again, changed under load, and gone: flows and packets stay.
#include <algorithm>

#include <catch2/catch.hpp>

#include "tests/harness/skip.h"
#include "tests/netns/testbed/backlog.h"
#include "tests/netns/testbed/testbeds.h"

using namespace glb::test;
using namespace std::chrono_literals;

namespace {

std::map<std::string, std::string> owners_of(const json &flows) {
    std::map<std::string, std::string> owners;
    for (const auto &flow : flows)
        owners[flow.at("source")] =
            flow.at("target").get<std::string>() + " " + flow.at("cookie").get<std::string>();
    return owners;
}

std::string program_ids(const Namespace &node, const std::vector<std::string> &devices) {
    std::string ids;
    for (const auto &device : devices) {
        const auto text = node.must({"ip", "-d", "link", "show", device});
        const auto at = text.find("prog/xdp id");
        ids += device + ": " +
               (at == std::string::npos ? "none" : text.substr(at, text.find(' ', at + 12) - at)) + "\n";
    }
    return ids;
}

} // namespace

TEST_CASE("life: kill -9 under traffic loses no packet; a restart takes over maps, programs and flows") {
    need_root();
    const TwoArm world({.appliances = 3});
    const TcpServer echo(world.server, 7000);
    const UdpEcho udp(world.server, 7001);
    Daemon glbd(world.node);
    glbd.start(world.manifest());
    REQUIRE(glbd.wait_healthy(3));
    TcpFlows flows(world.client);
    REQUIRE(flows.open(random_flows(200, 7000)) == 200);
    REQUIRE(flows.exchange() == 200);
    const auto owners = owners_of(glbd.flows({"--protocol", "tcp"}));
    const auto programs = program_ids(world.node, world.devices);
    const auto pins = glbd.pins();
    CHECK(owners.size() == 200);
    CHECK(programs.find("none") == std::string::npos);

    const LongBacklog backlog;
    UdpStream stream(world.client, TwoArm::server_address, 7001, 1000);
    REQUIRE(eventually(10s, [&] { return stream.back() >= 200; }));
    for (int round = 0; round < 2; round++) {
        glbd.kill9();
        const auto sent = stream.sent();
        REQUIRE(eventually(10s, [&] { return stream.sent() >= sent + 300; }));
        glbd.start(world.manifest());
        REQUIRE(glbd.wait_healthy(3));
    }
    const auto tally = stream.finish();
    INFO(glbd.log());
    CHECK(tally.lost() == 0);
    CHECK(tally.duplicate == 0);
    CHECK(program_ids(world.node, world.devices) == programs);
    CHECK(glbd.pins() == pins);
    CHECK(owners_of(glbd.flows({"--protocol", "tcp"})) == owners);
    CHECK(flows.exchange() == 200);
    CHECK(glbd.uninspected() == 0);
}

TEST_CASE("life: SIGTERM ends the controller only") {
    need_root();
    const TwoArm world;
    const TcpServer echo(world.server, 7000);
    Daemon glbd(world.node);
    glbd.start(world.manifest());
    REQUIRE(glbd.wait_healthy(1));
    glbd.terminate();
    CHECK(tcp_works(world.client, TwoArm::server_address, 7000));
    CHECK(glbd.ctl({"status"}).code == 3);
    glbd.start(); // the manifest last applied, from the state folder
    CHECK(eventually(10s, [&] { return glbd.must_ctl({"status"}).at("ready") == true; }));
    CHECK(tcp_works(world.client, TwoArm::server_address, 7000));
}

TEST_CASE("life: a target that is told healthy has its path: a daemon killed at that moment leaves one that "
          "works") {
    need_root();
    const TwoArm world({.appliances = 3});
    const TcpServer echo(world.server, 7000);
    Daemon glbd(world.node);
    auto manifest = world.manifest();
    manifest["targetGroups"][0]["healthCheck"]["healthyThreshold"] = 1; // healthy by the very first answer
    glbd.start(manifest);
    REQUIRE(eventually(15s, [&] {
        const auto answer = glbd.must_ctl({"targets"});
        const auto &rows = answer.at("targets");
        return std::all_of(rows.begin(), rows.end(),
                           [](const json &row) { return row.at("state") == "healthy"; });
    }));
    glbd.kill9();
    TcpFlows flows(world.client);
    CHECK(flows.open(random_flows(30, 7000), 5s) == 30);
    CHECK(flows.exchange(5s) == 30);
}

TEST_CASE("life: a killed appliance's flows move, and new connections work within seconds") {
    need_root();
    const TwoArm world({.appliances = 3});
    const TcpServer echo(world.server, 7000);
    Daemon glbd(world.node);
    glbd.start(world.manifest());
    REQUIRE(glbd.wait_healthy(3));
    world.appliances[0]->cut();
    INFO(glbd.log());
    // Forty connections in a row, each of which would meet the dead one by a chance of a third.
    std::uint32_t seed = 100;
    CHECK(eventually(15s, [&] { // two probes of 0.4 s fail, in 1.4 s
        TcpFlows flows(world.client);
        return flows.open(random_flows(40, 7000, seed++), 500ms) == 40;
    }));
    CHECK(glbd.target("fw-1").at("state") == "unhealthy");
    world.appliances[0]->mend();
    CHECK(glbd.wait_healthy(3));
}

TEST_CASE("life: targets come and go under load, and no flow breaks that need not") {
    need_root();
    const TwoArm world({.appliances = 3});
    const TcpServer echo(world.server, 7000);
    Daemon glbd(world.node);
    const auto all = world.manifest();
    auto fewer = all;
    fewer["targetGroups"][0]["targets"].erase(2);
    glbd.start(fewer);
    REQUIRE(glbd.wait_healthy(2));
    TcpFlows flows(world.client);
    REQUIRE(flows.open(random_flows(300, 7000)) == 300);
    REQUIRE(flows.exchange() == 300);
    const auto owners = owners_of(glbd.flows({"--protocol", "tcp"}));

    const auto added = glbd.apply(all);
    INFO(added.text << glbd.log());
    REQUIRE(added.code == 0);
    CHECK(added.document.at("applied") == true);
    CHECK(added.document.at("changes").size() == 1);
    REQUIRE(glbd.wait_healthy(3));
    CHECK(flows.exchange() == 300);
    CHECK(owners_of(glbd.flows({"--protocol", "tcp"})) == owners);
    TcpFlows more(world.client);
    CHECK(more.open(random_flows(300, 7000, 2)) == 300);
    CHECK(eventually(10s, [&] { return glbd.target("fw-3").at("activeFlows") >= 50; }));

    const auto removed = glbd.apply(fewer);
    REQUIRE(removed.code == 0);
    CHECK(flows.exchange() == 300);
    CHECK(more.exchange() == 300);
    CHECK(glbd.drop("unknown_sender") == 0);
}

TEST_CASE("life: down leaves nothing") {
    need_root();
    const TwoArm world;
    const TcpServer echo(world.server, 7000);
    const auto before = kernel_state(world.node, world.devices);
    Daemon glbd(world.node);
    glbd.start(world.manifest());
    REQUIRE(glbd.wait_healthy(1));
    CHECK(kernel_state(world.node, world.devices) != before);
    CHECK_FALSE(glbd.pins().empty());
    CHECK(glbd.ctl({"down", "--yes"}).code == 0);
    INFO(glbd.log());
    CHECK(kernel_state(world.node, world.devices) == before);
    CHECK(glbd.pins().empty());
    CHECK(tcp_works(world.client, TwoArm::server_address, 7000)); // routed, as before
}

TEST_CASE(
    "life: down that keeps the guard lets nothing pass, says so, and mends it until it is taken down too") {
    need_root();
    const TwoArm world;
    const TcpServer echo(world.server, 7000);
    Daemon glbd(world.node);
    glbd.start(world.manifest());
    REQUIRE(glbd.wait_healthy(1));
    const auto guard = [&] { return glbd.must_ctl({"guard"}); };
    REQUIRE(glbd.ctl({"down", "--yes", "--keep-guard"}).code == 0);
    CHECK(guard()["installed"] == true);
    CHECK_FALSE(tcp_works(world.client, TwoArm::server_address, 7000, 1s));
    CHECK(guard()["uninspected"]["packets"] > 0);
    world.node.must({"nft", "flush", "ruleset"});
    CHECK(eventually(10s, [&] { return guard()["restored"] > 0; }));
    CHECK_FALSE(tcp_works(world.client, TwoArm::server_address, 7000, 1s));

    glbd.terminate(); // another daemon holds it too
    glbd.start();
    CHECK(guard()["installed"] == true);
    CHECK(glbd.must_ctl({"status"})["guard"]["installed"] == true);
    REQUIRE(guard()["interfaces"].size() == 2);
    CHECK(guard()["interfaces"][0]["guarded"] == true);
    CHECK_FALSE(tcp_works(world.client, TwoArm::server_address, 7000, 1s));
    world.node.must({"nft", "flush", "ruleset"});
    CHECK(eventually(10s, [&] { return guard()["restored"] > 0; }));
    CHECK(glbd.must_ctl({"down", "--yes", "--keep-guard"})["guardKept"] == true); // of what it holds already

    CHECK(glbd.ctl({"down", "--yes"}).code == 0);
    CHECK(guard()["installed"] == false);
    CHECK(guard()["interfaces"].empty());
    CHECK(tcp_works(world.client, TwoArm::server_address, 7000));
    CHECK(glbd.must_ctl({"down", "--yes", "--keep-guard"})["guardKept"] == false); // none is there
    glbd.terminate();
    glbd.start();
    CHECK(guard()["installed"] == false);
}
