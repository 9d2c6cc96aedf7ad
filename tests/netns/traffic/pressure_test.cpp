// A full flow table, floods and forged packets: established flows stay, and untracked flows work.
#include <algorithm>
#include <functional>
#include <map>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "tests/harness/packet.h"
#include "tests/harness/skip.h"
#include "tests/netns/testbed/download.h"
#include "tests/netns/testbed/frames.h"
#include "tests/netns/testbed/testbeds.h"

using namespace glb::test;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t capacity = 4096;

struct Fixture {
    Fixture() : echo(testbed.server, 7000), glbd(testbed.node) {
        auto manifest = testbed.manifest();
        manifest["node"]["flowTable"]["capacity"] = capacity;
        glbd.start(manifest);
        if (!glbd.wait_healthy(testbed.appliances.size()))
            throw std::runtime_error("targets not healthy: " + glbd.log());
    }
    TwoArm testbed{{.appliances = 2}};
    TcpServer echo;
    Daemon glbd;
};

// What must not change of a flow: its target and cookie, by its tuple.
std::map<std::string, std::string> cookies_of(const json &flows) {
    std::map<std::string, std::string> cookies;
    for (const auto &flow : flows)
        cookies[flow.at("source").get<std::string>() + " " + flow.at("destination").get<std::string>()] =
            flow.at("target").get<std::string>() + " " + flow.at("cookie").get<std::string>();
    return cookies;
}

std::vector<Bytes> forged(const Namespace &client, const Namespace &node, std::size_t count,
                          const std::function<Packet(std::mt19937 &, std::size_t)> &make) {
    const Mac to = mac_of(node, "cli0"), from = mac_of(client, "eth0");
    std::mt19937 random(7);
    std::vector<Bytes> frames;
    frames.reserve(count);
    for (std::size_t i = 0; i < count; i++)
        frames.push_back(Packet(Eth{.dst = to, .src = from}) / make(random, i));
    return frames;
}

} // namespace

TEST_CASE("full flow table: established flows stay, and an untracked download is intact") {
    need_root();
    Fixture fixture;
    // A bucket has 8 ways, and a flow has two buckets. With this number of flows a bucket that fewer than 8
    // flows hash to occurs once in a million runs. More flows would need more than 20,000 descriptors, two
    // for each.
    constexpr std::size_t flows_wanted = 9500;
    TcpFlows flows(fixture.testbed.client);
    REQUIRE(flows.open(random_flows(flows_wanted, 7000), 60s) == flows_wanted);
    INFO(fixture.glbd.log());
    // Completely full: otherwise the download below might find a free entry.
    std::map<std::string, std::string> before;
    REQUIRE(eventually(60s, [&] {
        const bool all = flows.exchange(60s) == flows_wanted;
        before = cookies_of(fixture.glbd.flows({"--state", "established", "--protocol", "tcp"}));
        return all && before.size() == capacity;
    }));
    CHECK(fixture.glbd.counter("untracked") > 0);

    const Nginx nginx(fixture.testbed.server, {"80"}, 20'000'000);
    const auto untracked = fixture.glbd.counter("return_untracked");
    const auto answer = http_get(fixture.testbed.client, "http://198.51.100.20/file");
    CHECK(answer.sha256 == nginx.sha256());
    CHECK(fixture.glbd.flows({"--destination", "198.51.100.20:80"}).empty());
    CHECK(fixture.glbd.counter("return_untracked") > untracked + 1000);

    // SYNs to a port without a response. The appliances permit and return each of them.
    fixture.testbed.server.must(
        {"nft",
         "table ip quiet { chain c { type filter hook prerouting priority raw; tcp dport 9 drop; }; }"});
    send_frames(
        fixture.testbed.client, "eth0",
        forged(fixture.testbed.client, fixture.testbed.node, 50000,
               [](std::mt19937 &random, std::size_t) -> Packet {
                   return IPv4{.src = fmt::format("203.0.113.{}", 1 + random() % 254)} /
                          Tcp{.sport = static_cast<std::uint16_t>(random()), .dport = 9, .flags = tcp::syn};
               }));
    const auto after = cookies_of(fixture.glbd.flows({"--state", "established", "--protocol", "tcp"}));
    std::size_t lost = 0;
    for (const auto &[tuple, cookie] : before)
        lost += !after.contains(tuple) || after.at(tuple) != cookie;
    CHECK(lost == 0);
    CHECK(flows.exchange(60s) == flows_wanted);
}

TEST_CASE("forged segments: 10,000 SYNs, RSTs and FINs neither move nor end a running download") {
    need_root();
    Fixture fixture;
    constexpr std::size_t bytes = 40'000'000;
    const Nginx nginx(fixture.testbed.server, {"80"}, bytes);
    PacedDownload download(fixture.testbed.client, TwoArm::client_address, 40000, TwoArm::server_address,
                           bytes, 15'000'000);
    const auto flow_now = [&] { return fixture.glbd.flows({"--source", "192.0.2.10:40000"}); };
    REQUIRE(eventually(20s, [&] {
        const auto flows = flow_now();
        return flows.size() == 1 && flows[0].at("state") == "established" && flows[0].at("packetsBack") > 100;
    }));
    const auto owner = flow_now().at(0).at("target");
    send_frames(
        fixture.testbed.client, "eth0",
        forged(
            fixture.testbed.client, fixture.testbed.node, 10000,
            [](std::mt19937 &random, std::size_t i) -> Packet {
                const std::uint8_t flags[] = {tcp::syn, tcp::rst, tcp::fin | tcp::ack, tcp::rst | tcp::ack};
                return IPv4{} / Tcp{.sport = 40000,
                                    .dport = 80,
                                    .flags = flags[i % 4],
                                    .seq = static_cast<std::uint32_t>(random()),
                                    .ack = static_cast<std::uint32_t>(random())};
            }));
    CHECK(download.running()); // all frames were sent during the download
    // A forged RST closes the entry until the next returned packet, and a forged SYN in between restarts the
    // flow. The cookie may change; the target does not.
    const auto after = flow_now();
    REQUIRE(after.size() == 1);
    INFO(after.dump());
    CHECK(after[0].at("target") == owner);
    // The forged segments have not opened a second connection at the server.
    const auto connections = fixture.testbed.server.must(
        {"ss", "--no-header", "--tcp", "--numeric", "state", "established", "sport", "=", ":80"});
    INFO(connections);
    CHECK(std::count(connections.begin(), connections.end(), '\n') == 1);
    const auto sum = download.finish();
    INFO(fixture.glbd.log());
    CHECK(sum == nginx.sha256());
}
