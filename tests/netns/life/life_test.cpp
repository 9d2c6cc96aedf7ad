// glbd is killed, restarted, reconfigured under load and removed without loss of flows or packets.
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

TEST_CASE("restart: kill -9 under traffic loses no packet, and the next daemon takes over maps, programs and "
          "flows") {
    need_root();
    const TwoArm testbed({.appliances = 3});
    const TcpServer echo(testbed.server, 7000);
    const UdpEcho udp(testbed.server, 7001);
    Daemon glbd(testbed.node);
    glbd.start(testbed.manifest());
    REQUIRE(glbd.wait_healthy(3));
    TcpFlows flows(testbed.client);
    REQUIRE(flows.open(random_flows(200, 7000)) == 200);
    REQUIRE(flows.exchange() == 200);
    const auto owners = owners_of(glbd.flows({"--protocol", "tcp"}));
    const auto programs = program_ids(testbed.node, testbed.devices);
    const auto pins = glbd.pins();
    CHECK(owners.size() == 200);
    CHECK(programs.find("none") == std::string::npos);

    const LongBacklog backlog;
    UdpStream stream(testbed.client, TwoArm::server_address, 7001, 1000);
    REQUIRE(eventually(10s, [&] { return stream.echoed() >= 200; }));
    for (int round = 0; round < 2; round++) {
        glbd.kill9();
        const auto sent = stream.sent();
        REQUIRE(eventually(10s, [&] { return stream.sent() >= sent + 300; }));
        glbd.start(testbed.manifest());
        REQUIRE(glbd.wait_healthy(3));
    }
    const auto tally = stream.finish();
    INFO(glbd.log());
    CHECK(tally.lost() == 0);
    CHECK(tally.duplicate == 0);
    CHECK(program_ids(testbed.node, testbed.devices) == programs);
    CHECK(glbd.pins() == pins);
    CHECK(owners_of(glbd.flows({"--protocol", "tcp"})) == owners);
    CHECK(flows.exchange() == 200);
    CHECK(glbd.uninspected() == 0);
}

TEST_CASE("restart: SIGTERM ends the controller and leaves the data path active") {
    need_root();
    const TwoArm testbed;
    const TcpServer echo(testbed.server, 7000);
    Daemon glbd(testbed.node);
    glbd.start(testbed.manifest());
    REQUIRE(glbd.wait_healthy(1));
    glbd.terminate();
    CHECK(tcp_works(testbed.client, TwoArm::server_address, 7000));
    CHECK(glbd.ctl({"status"}).code == 3);
    glbd.start(); // with the last applied manifest, from the state folder
    CHECK(eventually(10s, [&] { return glbd.must_ctl({"status"}).at("ready") == true; }));
    CHECK(tcp_works(testbed.client, TwoArm::server_address, 7000));
}

TEST_CASE("restart: target path is installed before the target is reported healthy") {
    need_root();
    const TwoArm testbed({.appliances = 3});
    const TcpServer echo(testbed.server, 7000);
    Daemon glbd(testbed.node);
    auto manifest = testbed.manifest();
    manifest["targetGroups"][0]["healthCheck"]["healthyThreshold"] =
        1; // healthy after the first successful check
    glbd.start(manifest);
    REQUIRE(eventually(15s, [&] {
        const auto answer = glbd.must_ctl({"targets"});
        const auto &rows = answer.at("targets");
        return std::all_of(rows.begin(), rows.end(),
                           [](const json &row) { return row.at("state") == "healthy"; });
    }));
    glbd.kill9();
    TcpFlows flows(testbed.client);
    CHECK(flows.open(random_flows(30, 7000), 5s) == 30);
    CHECK(flows.exchange(5s) == 30);
}

TEST_CASE("failover: flows of a disconnected appliance move, and new connections work within seconds") {
    need_root();
    const TwoArm testbed({.appliances = 3});
    const TcpServer echo(testbed.server, 7000);
    Daemon glbd(testbed.node);
    glbd.start(testbed.manifest());
    REQUIRE(glbd.wait_healthy(3));
    testbed.appliances[0]->disconnect();
    INFO(glbd.log());
    // Forty connections, each of which would be steered to the dead target with a probability of one third.
    // It is unhealthy after two failed checks with a timeout of 0.4 s, after at most 1.4 s.
    std::uint32_t seed = 100;
    CHECK(eventually(15s, [&] {
        TcpFlows flows(testbed.client);
        return flows.open(random_flows(40, 7000, seed++), 500ms) == 40;
    }));
    CHECK(glbd.target("fw-1").at("state") == "unhealthy");
    testbed.appliances[0]->reconnect();
    CHECK(glbd.wait_healthy(3));
}

TEST_CASE("apply: adding and removing a target under load breaks no flow of other targets") {
    need_root();
    const TwoArm testbed({.appliances = 3});
    const TcpServer echo(testbed.server, 7000);
    Daemon glbd(testbed.node);
    const auto all = testbed.manifest();
    auto fewer = all;
    fewer["targetGroups"][0]["targets"].erase(2);
    glbd.start(fewer);
    REQUIRE(glbd.wait_healthy(2));
    TcpFlows flows(testbed.client);
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
    TcpFlows more(testbed.client);
    CHECK(more.open(random_flows(300, 7000, 2)) == 300);
    CHECK(eventually(10s, [&] { return glbd.target("fw-3").at("activeFlows") >= 50; }));

    const auto removed = glbd.apply(fewer);
    REQUIRE(removed.code == 0);
    CHECK(flows.exchange() == 300);
    CHECK(more.exchange() == 300);
    CHECK(glbd.drop("unknown_sender") == 0);
}

TEST_CASE("down: kernel state and bpffs are as before the start") {
    need_root();
    const TwoArm testbed;
    const TcpServer echo(testbed.server, 7000);
    const auto before = kernel_state(testbed.node, testbed.devices);
    Daemon glbd(testbed.node);
    glbd.start(testbed.manifest());
    REQUIRE(glbd.wait_healthy(1));
    CHECK(kernel_state(testbed.node, testbed.devices) != before);
    CHECK_FALSE(glbd.pins().empty());
    CHECK(glbd.ctl({"down", "--yes"}).code == 0);
    INFO(glbd.log());
    CHECK(kernel_state(testbed.node, testbed.devices) == before);
    CHECK(glbd.pins().empty());
    CHECK(tcp_works(testbed.client, TwoArm::server_address, 7000)); // routed by the kernel
}

TEST_CASE("down: --keep-guard blocks forwarding and the guard is repaired until a plain 'down'") {
    need_root();
    const TwoArm testbed;
    const TcpServer echo(testbed.server, 7000);
    Daemon glbd(testbed.node);
    glbd.start(testbed.manifest());
    REQUIRE(glbd.wait_healthy(1));
    const auto guard = [&] { return glbd.must_ctl({"guard"}); };
    REQUIRE(glbd.ctl({"down", "--yes", "--keep-guard"}).code == 0);
    CHECK(guard()["installed"] == true);
    CHECK_FALSE(tcp_works(testbed.client, TwoArm::server_address, 7000, 1s));
    CHECK(guard()["uninspected"]["packets"] > 0);
    testbed.node.must({"nft", "flush", "ruleset"});
    CHECK(eventually(10s, [&] { return guard()["restored"] > 0; }));
    CHECK_FALSE(tcp_works(testbed.client, TwoArm::server_address, 7000, 1s));

    glbd.terminate(); // the next daemon keeps the guard, too
    glbd.start();
    CHECK(guard()["installed"] == true);
    CHECK(glbd.must_ctl({"status"})["guard"]["installed"] == true);
    REQUIRE(guard()["interfaces"].size() == 2);
    CHECK(guard()["interfaces"][0]["guarded"] == true);
    CHECK_FALSE(tcp_works(testbed.client, TwoArm::server_address, 7000, 1s));
    testbed.node.must({"nft", "flush", "ruleset"});
    CHECK(eventually(10s, [&] { return guard()["restored"] > 0; }));
    CHECK(glbd.must_ctl({"down", "--yes", "--keep-guard"})["guardKept"] == true); // already kept

    CHECK(glbd.ctl({"down", "--yes"}).code == 0);
    CHECK(guard()["installed"] == false);
    CHECK(guard()["interfaces"].empty());
    CHECK(tcp_works(testbed.client, TwoArm::server_address, 7000));
    CHECK(glbd.must_ctl({"down", "--yes", "--keep-guard"})["guardKept"] == false); // no guard to keep
    glbd.terminate();
    glbd.start();
    CHECK(guard()["installed"] == false);
}
