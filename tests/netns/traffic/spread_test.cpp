// How flows spread over appliances, and that each stays whole at one.
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

using Witnesses = std::vector<std::unique_ptr<Witness>>;

void wait_for_rest(const Witnesses &witnesses) {
    glb::test::wait_for_rest([&] {
        std::uint64_t packets = 0;
        for (const auto &one : witnesses)
            packets += one->packets();
        return packets;
    });
}

} // namespace

TEST_CASE("spread: 2,000 TCP flows, each at one appliance in both directions, a fair share at each") {
    need_root();
    constexpr std::size_t flows_wanted = 2000;
    const TwoArm world({.appliances = 3});
    const TcpServer echo(world.server, 7000);
    Daemon glbd(world.node);
    glbd.start(world.manifest());
    REQUIRE(glbd.wait_healthy(3));
    REQUIRE(ping(world.client, TwoArm::server_address, 1));
    REQUIRE(ping(world.client, TwoArm::server_address6, 1));

    Witnesses witnesses;
    for (const auto &one : world.appliances)
        witnesses.push_back(std::make_unique<Witness>(one->ns()));
    TcpFlows flows(world.client);
    CHECK(flows.open(random_flows(flows_wanted, 7000)) == flows_wanted);
    CHECK(flows.exchange() == flows_wanted);
    CHECK(flows.exchange() == flows_wanted);
    wait_for_rest(witnesses); // acknowledgements may come late, and none is to be cut off on its way
    INFO(glbd.log());

    std::map<std::string, std::size_t> listed;
    for (const auto &flow : glbd.flows({"--protocol", "tcp"}))
        listed[flow.at("target")]++;
    std::map<InnerFlow, std::size_t> appliances_of;
    std::size_t one_way = 0;
    for (std::size_t i = 0; i < witnesses.size(); i++) {
        std::size_t here = 0;
        for (const auto &[flow, seen] : witnesses[i]->seen()) {
            if (flow.ip_proto != IPPROTO_TCP)
                continue;
            here++;
            appliances_of[flow]++;
            one_way += seen.to_appliance[0] == 0 || seen.to_appliance[1] == 0;
            // What stayed at an appliance would be a packet that never went on.
            one_way += seen.back != seen.to_appliance;
        }
        CHECK(here >= flows_wanted * 26 / 100);
        CHECK(here <= flows_wanted * 40 / 100);
        CHECK(listed[world.appliances[i]->id()] == here);
    }
    CHECK(one_way == 0);
    CHECK(appliances_of.size() == flows_wanted);
    CHECK(
        std::all_of(appliances_of.begin(), appliances_of.end(), [](const auto &e) { return e.second == 1; }));
}

TEST_CASE("spread: slots hold weights within 1 %, 20,000 flows within 10 %") {
    need_root();
    constexpr std::uint64_t flows_wanted = 20000, slots = 65537;
    const std::vector<std::uint64_t> weights = {1, 2, 5};
    const TwoArm world({.appliances = 3});
    auto manifest = world.manifest();
    for (std::size_t i = 0; i < weights.size(); i++)
        manifest["targetGroups"][0]["targets"][i]["weight"] = weights[i];
    Daemon glbd(world.node);
    glbd.start(manifest);
    REQUIRE(glbd.wait_healthy(3));
    INFO(glbd.log());

    Witnesses witnesses;
    for (const auto &one : world.appliances)
        witnesses.push_back(std::make_unique<Witness>(one->ns()));
    const Mac to = mac_of(world.node, "cli0"), from = mac_of(world.client, "eth0");
    std::vector<Bytes> frames;
    for (const auto &ends : random_flows(2 * flows_wanted, 9)) // the IPv4 half of them
        if (ends.source.find(':') == std::string::npos)
            frames.push_back(Eth{.dst = to, .src = from} / IPv4{.src = ends.source, .dst = ends.destination} /
                             Udp{.sport = ends.source_port, .dport = 9});
    world.server.must(
        {"nft",
         "table ip quiet { chain c { type filter hook prerouting priority raw; udp dport 9 drop; }; }"});
    for (int round = 0; round < 2; round++) // what a full ring lost at first comes then
        send_frames(world.client, "eth0", frames);
    wait_for_rest(witnesses);

    std::vector<std::uint64_t> seen;
    std::uint64_t all = 0;
    CHECK(glbd.counter("encapsulated") >= flows_wanted);
    for (auto &witness : witnesses) {
        seen.push_back(static_cast<std::uint64_t>(
            std::count_if(witness->seen().begin(), witness->seen().end(),
                          [](const auto &e) { return e.first.ip_proto == IPPROTO_UDP; })));
        all += seen.back();
    }
    CHECK(all >= flows_wanted * 99 / 100); // a ring may have been full again
    for (std::size_t i = 0; i < weights.size(); i++) {
        const double share = static_cast<double>(weights[i]) / 8;
        CHECK(static_cast<double>(seen[i]) / static_cast<double>(all) == Approx(share).epsilon(0.10));
        const auto target = glbd.target(world.appliances[i]->id());
        CHECK(target.at("slots").get<double>() / slots == Approx(share).epsilon(0.01));
    }
}
