// Traffic through appliances: TCP, UDP and ping, IPv4 and IPv6, two-arm and one-arm. Nothing is lost or
// changed.
#include <cstdlib>

#include <catch2/catch.hpp>

#include "tests/harness/skip.h"
#include "tests/netns/testbed/backlog.h"
#include "tests/netns/testbed/testbeds.h"

using namespace glb::test;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t hundred_megabytes = 100'000'000;

template <typename Testbed>
std::uint64_t all_checksum_errors(const Testbed &testbed) {
    auto errors =
        checksum_errors(testbed.client) + checksum_errors(testbed.node) + checksum_errors(testbed.server);
    for (const auto &one : testbed.appliances)
        errors += checksum_errors(one->ns());
    return errors;
}

// Seconds of iperf3 in each direction. GLB_IPERF_SECONDS overrides the default.
std::string iperf_seconds() {
    const char *text = std::getenv("GLB_IPERF_SECONDS");
    return text != nullptr && *text != '\0' ? text : "5";
}

} // namespace

TEST_CASE("smoke: one TCP connection through one appliance is counted by flow, target and node") {
    need_root();
    const TwoArm testbed;
    const TcpServer echo(testbed.server, 7000);
    Daemon glbd(testbed.node);
    glbd.start(testbed.manifest());
    INFO(glbd.log());
    REQUIRE(glbd.wait_healthy(1));
    const auto out_before = glbd.target("fw-1").at("packetsOut").get<std::uint64_t>();
    TcpFlows flow(testbed.client);
    REQUIRE(flow.open({{TwoArm::client_address, TwoArm::server_address, 40001, 7000}}) == 1);
    REQUIRE(flow.exchange() == 1);

    // The handshake, a line, its echo, an acknowledgement: at least six packets. The last one may be delayed
    // or in flight.
    json listed;
    CHECK(eventually(5s, [&] {
        listed = glbd.flows({"--source", "192.0.2.10:40001"});
        return listed.size() == 1 && listed[0].at("packetsOut") >= 6 &&
               listed[0].at("packetsOut") == listed[0].at("packetsBack");
    }));
    INFO(listed.dump());
    REQUIRE(listed.size() == 1);
    CHECK(listed[0].at("endpoint") == "branch");
    CHECK(listed[0].at("protocol") == "tcp");
    CHECK(listed[0].at("destination") == "198.51.100.20:7000");
    CHECK(listed[0].at("target") == "fw-1");
    CHECK(listed[0].at("state") == "established");
    CHECK(glbd.target("fw-1").at("packetsOut").get<std::uint64_t>() >= out_before + 6);
    CHECK(eventually(5s, [&] {
        const auto target = glbd.target("fw-1");
        return target.at("packetsOut") == target.at("packetsBack");
    }));
    CHECK(glbd.counter("encapsulated") >= 6);
    CHECK(glbd.uninspected() == 0);
    const auto drops = glbd.must_ctl({"drops"});
    for (const auto &drop : drops.at("drops")) {
        INFO(drop.at("reason"));
        CHECK(drop.at("packets") == 0);
    }
}

TEST_CASE("smoke: TCP, UDP and ping pass over IPv4 and IPv6 without loss") {
    need_root();
    const TwoArm testbed({.appliances = 2});
    const UdpEcho udp(testbed.server, 7001);
    const TcpServer echo(testbed.server, 7000);
    Daemon glbd(testbed.node);
    glbd.start(testbed.manifest());
    REQUIRE(glbd.wait_healthy(2));
    const LongBacklog backlog;
    for (const std::string server : {TwoArm::server_address, TwoArm::server_address6}) {
        INFO(server << "\n" << glbd.log());
        CHECK(ping(testbed.client, server));
        CHECK(tcp_works(testbed.client, server, 7000));
        UdpStream stream(testbed.client, server, 7001, 1000);
        CHECK(eventually(20s, [&] { return stream.echoed() >= 500; }));
        const auto tally = stream.finish();
        CHECK(tally.lost() == 0);
        CHECK(tally.duplicate == 0);
    }
    CHECK(glbd.counter("encapsulated") > 2000);
    CHECK(glbd.uninspected() == 0);
}

TEST_CASE("smoke: downloads of 100 MB are intact") {
    need_root();
    const TwoArm testbed;
    const Nginx nginx(testbed.server, {"80", "[::]:80"}, hundred_megabytes);
    Daemon glbd(testbed.node);
    glbd.start(testbed.manifest());
    REQUIRE(glbd.wait_healthy(1));
    for (const std::string url : {"http://198.51.100.20/file", "http://[2001:db8:2::20]/file"}) {
        const auto answer = http_get(testbed.client, url, 60s);
        INFO(url << " " << answer.error << "\n" << glbd.log());
        CHECK(answer.bytes == hundred_megabytes);
        CHECK(answer.sha256 == nginx.sha256());
    }
    CHECK(glbd.target("fw-1").at("bytesBack").get<std::uint64_t>() > 2 * hundred_megabytes);
    CHECK(all_checksum_errors(testbed) == 0);
}

TEST_CASE("smoke: iperf3 in both directions causes no checksum error") {
    need_root();
    const TwoArm testbed;
    const auto server = testbed.server.start({"iperf3", "--server", "--forceflush"});
    REQUIRE(server.wait_for_output("Server listening", 20s));
    Daemon glbd(testbed.node);
    glbd.start(testbed.manifest());
    REQUIRE(glbd.wait_healthy(1));
    for (const std::string option : {"--parallel=2", "--reverse"}) {
        const auto result = testbed.client.run(
            {"iperf3", "--client", TwoArm::server_address, "--time", iperf_seconds(), "--json", option},
            120s);
        INFO(result.output << "\n" << glbd.log());
        REQUIRE(result.code == 0);
        CHECK(json::parse(result.output).at("end").at("sum_received").at("bits_per_second") > 10e6);
    }
    CHECK(all_checksum_errors(testbed) == 0);
    CHECK(glbd.uninspected() == 0);
}

TEST_CASE("smoke: one interface carries clients, servers and the tunnel") {
    need_root();
    const OneArm testbed({.appliances = 2});
    const Nginx nginx(testbed.server, {"80", "[::]:80"}, 5'000'000);
    Daemon glbd(testbed.node);
    glbd.start(testbed.manifest());
    REQUIRE(glbd.wait_healthy(2));
    for (const std::string url : {"http://198.51.100.20/file", "http://[2001:db8:2::20]/file"}) {
        const auto answer = http_get(testbed.client, url);
        INFO(url << " " << answer.error << "\n" << glbd.log());
        CHECK(answer.sha256 == nginx.sha256());
    }
    CHECK(ping(testbed.client, TwoArm::server_address));
    CHECK(glbd.counter("encapsulated") > 3000);
    CHECK(all_checksum_errors(testbed) == 0);
}

TEST_CASE("smoke: packets that the kernel drops after a redirect are counted") {
    need_root();
    TwoArm testbed;
    Daemon glbd(testbed.node);
    glbd.start(testbed.manifest());
    INFO(glbd.log());
    REQUIRE(glbd.wait_healthy(1));
    REQUIRE(ping(testbed.client, TwoArm::server_address));
    const auto before = glbd.drop("redirect_failed");
    testbed.detach_peer_programs();
    CHECK_FALSE(ping(testbed.client, TwoArm::server_address, 5));
    CHECK(glbd.drop("redirect_failed") >= before + 5);
}
