// A full flow table, floods, and forged packets: established flows stay, and untracked ones work.
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

struct Full {
    Full() : echo(world.server, 7000), glbd(world.node) {
        auto manifest = world.manifest();
        manifest["node"]["flowTable"]["capacity"] = capacity;
        glbd.start(manifest);
        if (!glbd.wait_healthy(world.appliances.size()))
            throw std::runtime_error("not healthy: " + glbd.log());
    }
    TwoArm world{{.appliances = 2}};
    TcpServer echo;
    Daemon glbd;
};

// What must not change of a flow: its cookie by its ends.
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

TEST_CASE("pressure: a table full of established flows, and a download without a place in it") {
    need_root();
    Full full;
    // 8 places in a bucket, two buckets for a flow: one that fewer than 8 flows may have comes once in a
    // million runs. More would need more than 20,000 descriptors, two for a flow.
    constexpr std::size_t flows_wanted = 9500;
    TcpFlows flows(full.world.client);
    REQUIRE(flows.open(random_flows(flows_wanted, 7000), 60s) == flows_wanted);
    INFO(full.glbd.log());
    // Full to the last place, or the download below might find one.
    std::map<std::string, std::string> before;
    REQUIRE(eventually(60s, [&] {
        const bool all = flows.exchange(60s) == flows_wanted;
        before = cookies_of(full.glbd.flows({"--state", "established", "--protocol", "tcp"}));
        return all && before.size() == capacity;
    }));
    CHECK(full.glbd.counter("untracked") > 0);

    const Nginx nginx(full.world.server, {"80"}, 20'000'000);
    const auto untracked = full.glbd.counter("return_untracked");
    const auto answer = http_get(full.world.client, "http://198.51.100.20/file");
    CHECK(answer.sha256 == nginx.sha256());
    CHECK(full.glbd.flows({"--destination", "198.51.100.20:80"}).empty());
    CHECK(full.glbd.counter("return_untracked") > untracked + 1000);

    // SYNs to a port that says nothing; every appliance permits, and so returns, each of them.
    full.world.server.must(
        {"nft",
         "table ip quiet { chain c { type filter hook prerouting priority raw; tcp dport 9 drop; }; }"});
    send_frames(
        full.world.client, "eth0",
        forged(full.world.client, full.world.node, 50000, [](std::mt19937 &random, std::size_t) -> Packet {
            return IPv4{.src = fmt::format("203.0.113.{}", 1 + random() % 254)} /
                   Tcp{.sport = static_cast<std::uint16_t>(random()), .dport = 9, .flags = tcp::syn};
        }));
    const auto after = cookies_of(full.glbd.flows({"--state", "established", "--protocol", "tcp"}));
    std::size_t moved = 0;
    for (const auto &[ends, cookie] : before)
        moved += !after.contains(ends) || after.at(ends) != cookie;
    CHECK(moved == 0);
    CHECK(flows.exchange(60s) == flows_wanted);
}

TEST_CASE("pressure: 10,000 forged SYNs, RSTs and FINs neither move nor stop a running download") {
    need_root();
    Full full;
    constexpr std::size_t bytes = 40'000'000;
    const Nginx nginx(full.world.server, {"80"}, bytes);
    HeldDownload download(full.world.client, TwoArm::client_address, 40000, TwoArm::server_address, bytes,
                          15'000'000);
    const auto flow_now = [&] { return full.glbd.flows({"--source", "192.0.2.10:40000"}); };
    REQUIRE(eventually(20s, [&] {
        const auto flows = flow_now();
        return flows.size() == 1 && flows[0].at("state") == "established" && flows[0].at("packetsBack") > 100;
    }));
    const auto owner = flow_now().at(0).at("target");
    send_frames(
        full.world.client, "eth0",
        forged(full.world.client, full.world.node, 10000, [](std::mt19937 &random, std::size_t i) -> Packet {
            const std::uint8_t flags[] = {tcp::syn, tcp::rst, tcp::fin | tcp::ack, tcp::rst | tcp::ack};
            return IPv4{} / Tcp{.sport = 40000,
                                .dport = 80,
                                .flags = flags[i % 4],
                                .seq = static_cast<std::uint32_t>(random()),
                                .ack = static_cast<std::uint32_t>(random())};
        }));
    CHECK(download.running()); // all of it came while the download ran
    // A forged RST closes the entry until the next returned packet, and a forged SYN that comes in between
    // begins it anew, so the cookie may change; the appliance does not.
    const auto still = flow_now();
    REQUIRE(still.size() == 1);
    INFO(still.dump());
    CHECK(still[0].at("target") == owner);
    const auto sum = download.finish();
    INFO(full.glbd.log());
    CHECK(sum == nginx.sha256());
    CHECK(full.echo.accepted() == 0);
}
