// A lying appliance: other flows' cookies, flows of another appliance, and senders that are none.
#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "tests/harness/packet.h"
#include "tests/harness/skip.h"
#include "tests/netns/testbed/drill.h"
#include "tests/netns/testbed/frames.h"
#include "tests/netns/testbed/testbeds.h"

using namespace glb::test;
using namespace std::chrono_literals;

namespace {

bool holds(const Sniffer::Frame &frame, const std::string &payload) {
    return !frame.outgoing &&
           std::string(frame.bytes.begin(), frame.bytes.end()).find(payload) != std::string::npos;
}

Bytes big_endian(std::uint64_t number, std::size_t size) {
    Bytes bytes;
    for (std::size_t i = size; i-- > 0;)
        bytes.push_back(static_cast<std::uint8_t>(number >> (8 * i)));
    return bytes;
}

Geneve header_of(std::uint64_t endpoint, std::uint32_t cookie) {
    return {.options = {{.option_type = 1, .value = big_endian(endpoint, 8)},
                        {.option_type = 2, .value = big_endian(0, 8)},
                        {.option_type = 3, .value = big_endian(cookie, 4)}}};
}

struct Owned {
    std::uint16_t port = 0;
    std::string target;
    std::uint32_t cookie = 0;
};

} // namespace

TEST_CASE("survive: a lying appliance opens nothing, moves nothing, and is told by name") {
    need_root();
    const TwoArm world({.appliances = 2});
    const UdpEcho echo(world.server, 7001);
    Daemon glbd(world.node);
    auto manifest = world.manifest();
    glbd.start(manifest);
    REQUIRE(glbd.wait_healthy(2));
    const auto id = std::stoull(manifest["endpoints"][0]["id"].get<std::string>().substr(6), nullptr, 16);

    // Real flows, some of which each appliance owns: by chance, and 40 leave none without.
    for (std::uint16_t port = 20000; port < 20040; port++)
        send_frame(world.client, "eth0",
                   Eth{.dst = mac_of(world.node, "cli0"), .src = mac_of(world.client, "eth0")} / IPv4{} /
                       Udp{.sport = port, .dport = 7001} / Payload("real"));
    std::vector<Owned> mine, others;
    REQUIRE(eventually(10s, [&] {
        mine.clear();
        others.clear();
        for (const auto &flow :
             glbd.flows({"--destination", "198.51.100.20:7001", "--state", "established"})) {
            const auto source = flow.at("source").get<std::string>();
            const Owned owned{
                static_cast<std::uint16_t>(std::stoul(source.substr(source.rfind(':') + 1))),
                flow.at("target"),
                static_cast<std::uint32_t>(std::stoul(flow.at("cookie").get<std::string>(), nullptr, 16))};
            (owned.target == "fw-1" ? mine : others).push_back(owned);
        }
        return !mine.empty() && !others.empty();
    }));

    const auto &liar = world.appliances[0]->ns();
    const auto says = [&](const std::string &source, std::uint16_t port, std::uint32_t cookie,
                          const std::string &payload, milliseconds patience = 300ms) {
        Sniffer server(world.server, "eth0");
        send_frame(liar, "eth0",
                   Eth{.dst = mac_of(world.node, "under0"), .src = mac_of(liar, "eth0")} /
                       IPv4{.src = source, .dst = TwoArm::node_address} /
                       Udp{.sport = 0xc000, .dport = 6081} / header_of(id, cookie) / IPv4{} /
                       Udp{.sport = port, .dport = 7001} / Payload(payload));
        return server.wait_for([&](const auto &seen) { return holds(seen, payload); }, patience);
    };
    const auto dropped = [&](const std::string &reason, std::uint64_t packets) {
        return eventually(5s, [&] { return glbd.drop(reason) == packets; });
    };
    // Its own flow with its own cookie: so the frames are good.
    CHECK(says("10.1.0.11", mine[0].port, mine[0].cookie, "honest", 5s));
    // Its own flow with another flow's cookie: a hint that does not fit, counted.
    const auto stale = glbd.counter("cookie_stale");
    CHECK(says("10.1.0.11", mine[0].port, others[0].cookie, "confused", 5s));
    CHECK(glbd.counter("cookie_stale") == stale + 1);
    // A flow that is another's, with whatever cookie.
    auto wrong = glbd.drop("wrong_target");
    CHECK_FALSE(says("10.1.0.11", others[0].port, others[0].cookie, "stolen"));
    CHECK_FALSE(says("10.1.0.11", others[0].port, mine[0].cookie, "stolen with mine"));
    CHECK(dropped("wrong_target", wrong + 2));
    // A flow that never was.
    const auto unknown = glbd.drop("unknown_flow");
    CHECK_FALSE(says("10.1.0.11", 31999, mine[0].cookie, "invented"));
    CHECK(dropped("unknown_flow", unknown + 1));
    // In the name of the other appliance, whose MAC it does not have; and of nobody.
    const auto mac = glbd.drop("sender_mac");
    CHECK_FALSE(says("10.1.0.12", others[0].port, others[0].cookie, "forged"));
    CHECK(dropped("sender_mac", mac + 1));
    CHECK(eventually(5s, [&] {
        const auto error = glbd.target("fw-2").at("lastError");
        return error.is_string() && error.get<std::string>().find("came from MAC") != std::string::npos;
    }));
    const auto sender = glbd.drop("unknown_sender");
    CHECK_FALSE(says("10.1.0.99", mine[0].port, mine[0].cookie, "nobody"));
    CHECK(dropped("unknown_sender", sender + 1));
    // Nothing of it has moved a flow.
    INFO(glbd.log());
    for (const auto &flow : glbd.flows({"--destination", "198.51.100.20:7001"})) {
        const auto source = flow.at("source").get<std::string>();
        for (const auto *list : {&mine, &others})
            for (const auto &owned : *list)
                if (source.ends_with(fmt::format(":{}", owned.port)))
                    CHECK(flow.at("target") == owned.target);
    }
    CHECK(glbd.flows({"--source", "192.0.2.10:31999"}).empty());
    tell_drill("lying appliance", {5, 0, {}, "forged packets"});
}
