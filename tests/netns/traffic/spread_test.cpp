// Distribution of flows over targets, and symmetry: both directions of a flow pass one target.
#include <algorithm>

#include <catch2/catch.hpp>

#include "tests/harness/packet.h"
#include "tests/harness/skip.h"
#include "tests/netns/testbed/capture.h"
#include "tests/netns/testbed/frames.h"
#include "tests/netns/testbed/testbeds.h"

using namespace glb::test;
using namespace std::chrono_literals;

namespace {

using Captures = std::vector<std::unique_ptr<Capture>>;

void wait_until_idle(const Captures &captures) {
    glb::test::wait_until_idle([&] {
        std::uint64_t packets = 0;
        for (const auto &one : captures)
            packets += one->packets();
        return packets;
    });
}

} // namespace

TEST_CASE("distribution: each of 2,000 TCP flows passes one target in both directions, and shares are even") {
    need_root();
    constexpr std::size_t flows_wanted = 2000;
    const TwoArm testbed({.appliances = 3});
    const TcpServer echo(testbed.server, 7000);
    Daemon glbd(testbed.node);
    glbd.start(testbed.manifest());
    REQUIRE(glbd.wait_healthy(3));
    REQUIRE(ping(testbed.client, TwoArm::server_address, 1));
    REQUIRE(ping(testbed.client, TwoArm::server_address6, 1));

    Captures captures;
    for (const auto &one : testbed.appliances)
        captures.push_back(std::make_unique<Capture>(one->ns()));
    TcpFlows flows(testbed.client);
    CHECK(flows.open(random_flows(flows_wanted, 7000)) == flows_wanted);
    CHECK(flows.exchange() == flows_wanted);
    CHECK(flows.exchange() == flows_wanted);
    wait_until_idle(captures); // includes delayed acknowledgements
    INFO(glbd.log());

    std::map<std::string, std::size_t> listed;
    for (const auto &flow : glbd.flows({"--protocol", "tcp"}))
        listed[flow.at("target")]++;
    std::map<InnerFlow, std::size_t> appliances_of;
    std::size_t asymmetric = 0;
    for (std::size_t i = 0; i < captures.size(); i++) {
        std::size_t flows_here = 0;
        for (const auto &[flow, counts] : captures[i]->flows()) {
            if (flow.ip_proto != IPPROTO_TCP)
                continue;
            flows_here++;
            appliances_of[flow]++;
            asymmetric += counts.to_appliance[0] == 0 || counts.to_appliance[1] == 0;
            // Every packet must leave the appliance again.
            asymmetric += counts.from_appliance != counts.to_appliance;
        }
        CHECK(flows_here >= flows_wanted * 26 / 100);
        CHECK(flows_here <= flows_wanted * 40 / 100);
        CHECK(listed[testbed.appliances[i]->id()] == flows_here);
    }
    CHECK(asymmetric == 0);
    CHECK(appliances_of.size() == flows_wanted);
    CHECK(
        std::all_of(appliances_of.begin(), appliances_of.end(), [](const auto &e) { return e.second == 1; }));
}

TEST_CASE("distribution: Maglev slots match the weights within 1 %, and 20,000 flows within 10 %") {
    need_root();
    constexpr std::uint64_t flows_wanted = 20000, slots = 65537;
    const std::vector<std::uint64_t> weights = {1, 2, 5};
    const TwoArm testbed({.appliances = 3});
    auto manifest = testbed.manifest();
    for (std::size_t i = 0; i < weights.size(); i++)
        manifest["targetGroups"][0]["targets"][i]["weight"] = weights[i];
    Daemon glbd(testbed.node);
    glbd.start(manifest);
    REQUIRE(glbd.wait_healthy(3));
    INFO(glbd.log());

    Captures captures;
    for (const auto &one : testbed.appliances)
        captures.push_back(std::make_unique<Capture>(one->ns()));
    const Mac to = mac_of(testbed.node, "cli0"), from = mac_of(testbed.client, "eth0");
    std::vector<Bytes> frames;
    for (const auto &tuple : random_flows(2 * flows_wanted, 9)) // only the IPv4 half of them
        if (tuple.source.find(':') == std::string::npos)
            frames.push_back(Eth{.dst = to, .src = from} /
                             IPv4{.src = tuple.source, .dst = tuple.destination} /
                             Udp{.sport = tuple.source_port, .dport = 9});
    testbed.server.must(
        {"nft",
         "table ip quiet { chain c { type filter hook prerouting priority raw; udp dport 9 drop; }; }"});
    for (int round = 0; round < 2; round++) // the second round replaces frames that a full ring dropped
        send_frames(testbed.client, "eth0", frames);
    wait_until_idle(captures);

    std::vector<std::uint64_t> seen;
    std::uint64_t all = 0;
    CHECK(glbd.counter("encapsulated") >= flows_wanted);
    for (auto &capture : captures) {
        seen.push_back(static_cast<std::uint64_t>(
            std::count_if(capture->flows().begin(), capture->flows().end(),
                          [](const auto &e) { return e.first.ip_proto == IPPROTO_UDP; })));
        all += seen.back();
    }
    CHECK(all >= flows_wanted * 99 / 100); // a ring may have been full in both rounds
    for (std::size_t i = 0; i < weights.size(); i++) {
        const double share = static_cast<double>(weights[i]) / 8;
        CHECK(static_cast<double>(seen[i]) / static_cast<double>(all) == Approx(share).epsilon(0.10));
        const auto target = glbd.target(testbed.appliances[i]->id());
        CHECK(target.at("slots").get<double>() / slots == Approx(share).epsilon(0.01));
    }
}
