// A compromised appliance: cookies of other flows, flows of another appliance, forged senders.
#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "tests/harness/packet.h"
#include "tests/harness/skip.h"
#include "tests/netns/testbed/frames.h"
#include "tests/netns/testbed/scenario.h"
#include "tests/netns/testbed/testbeds.h"

using namespace glb::test;
using namespace std::chrono_literals;

namespace {

bool has_payload(const Sniffer::Frame &frame, const std::string &payload) {
    return !frame.outgoing &&
           std::string(frame.bytes.begin(), frame.bytes.end()).find(payload) != std::string::npos;
}

Bytes big_endian(std::uint64_t number, std::size_t size) {
    Bytes bytes;
    for (std::size_t i = size; i-- > 0;)
        bytes.push_back(static_cast<std::uint8_t>(number >> (8 * i)));
    return bytes;
}

Geneve geneve_with(std::uint64_t endpoint, std::uint32_t cookie) {
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

TEST_CASE("spoofing: forged cookies, flows and senders are dropped with the matching reason") {
    need_root();
    const TwoArm testbed({.appliances = 2});
    const UdpEcho echo(testbed.server, 7001);
    Daemon glbd(testbed.node);
    auto manifest = testbed.manifest();
    glbd.start(manifest);
    REQUIRE(glbd.wait_healthy(2));
    const auto id = std::stoull(manifest["endpoints"][0]["id"].get<std::string>().substr(6), nullptr, 16);

    // 40 flows, enough that each appliance has some of them.
    for (std::uint16_t port = 20000; port < 20040; port++)
        send_frame(testbed.client, "eth0",
                   Eth{.dst = mac_of(testbed.node, "cli0"), .src = mac_of(testbed.client, "eth0")} / IPv4{} /
                       Udp{.sport = port, .dport = 7001} / Payload("real"));
    std::vector<Owned> own, foreign; // flows of the compromised appliance, and of the other one
    REQUIRE(eventually(10s, [&] {
        own.clear();
        foreign.clear();
        for (const auto &flow :
             glbd.flows({"--destination", "198.51.100.20:7001", "--state", "established"})) {
            const auto source = flow.at("source").get<std::string>();
            const Owned owned{
                static_cast<std::uint16_t>(std::stoul(source.substr(source.rfind(':') + 1))),
                flow.at("target"),
                static_cast<std::uint32_t>(std::stoul(flow.at("cookie").get<std::string>(), nullptr, 16))};
            (owned.target == "fw-1" ? own : foreign).push_back(owned);
        }
        return !own.empty() && !foreign.empty();
    }));

    const auto &attacker = testbed.appliances[0]->ns();
    const auto is_forwarded = [&](const std::string &source, std::uint16_t port, std::uint32_t cookie,
                                  const std::string &payload, milliseconds timeout) {
        Sniffer server(testbed.server, "eth0");
        send_frame(attacker, "eth0",
                   Eth{.dst = mac_of(testbed.node, "under0"), .src = mac_of(attacker, "eth0")} /
                       IPv4{.src = source, .dst = TwoArm::node_address} /
                       Udp{.sport = 0xc000, .dport = 6081} / geneve_with(id, cookie) / IPv4{} /
                       Udp{.sport = port, .dport = 7001} / Payload(payload));
        return server.wait_for([&](const auto &seen) { return has_payload(seen, payload); }, timeout);
    };
    std::uint64_t forged = 0, forwarded = 0;
    const auto forged_is_forwarded = [&](const std::string &source, std::uint16_t port, std::uint32_t cookie,
                                         const std::string &payload) {
        const bool arrived = is_forwarded(source, port, cookie, payload, 300ms);
        ++forged;
        forwarded += arrived;
        return arrived;
    };
    const auto dropped = [&](const std::string &reason, std::uint64_t packets) {
        return eventually(5s, [&] { return glbd.drop(reason) == packets; });
    };
    // Control: its own flow with the right cookie is forwarded, so the frames are well-formed.
    CHECK(is_forwarded("10.1.0.11", own[0].port, own[0].cookie, "own cookie", 5s));
    // Its own flow with the cookie of another flow: the cookie is only a hint, so the packet passes and is
    // counted.
    const auto stale = glbd.counter("cookie_stale");
    CHECK(is_forwarded("10.1.0.11", own[0].port, foreign[0].cookie, "foreign cookie", 5s));
    CHECK(glbd.counter("cookie_stale") == stale + 1);
    // A flow of the other appliance, with either cookie.
    const auto wrong = glbd.drop("wrong_target");
    CHECK_FALSE(forged_is_forwarded("10.1.0.11", foreign[0].port, foreign[0].cookie, "foreign flow"));
    CHECK_FALSE(forged_is_forwarded("10.1.0.11", foreign[0].port, own[0].cookie, "foreign flow, own cookie"));
    CHECK(dropped("wrong_target", wrong + 2));
    // A flow that does not exist.
    const auto unknown = glbd.drop("unknown_flow");
    CHECK_FALSE(forged_is_forwarded("10.1.0.11", 31999, own[0].cookie, "no such flow"));
    CHECK(dropped("unknown_flow", unknown + 1));
    // The address of the other appliance with a wrong MAC address, and an address that is no target's.
    const auto mac = glbd.drop("sender_mac");
    CHECK_FALSE(forged_is_forwarded("10.1.0.12", foreign[0].port, foreign[0].cookie, "forged sender"));
    CHECK(dropped("sender_mac", mac + 1));
    CHECK(eventually(5s, [&] {
        const auto error = glbd.target("fw-2").at("lastError");
        return error.is_string() &&
               error.get<std::string>().find("packets with source MAC") != std::string::npos;
    }));
    const auto sender = glbd.drop("unknown_sender");
    CHECK_FALSE(forged_is_forwarded("10.1.0.99", own[0].port, own[0].cookie, "unknown sender"));
    CHECK(dropped("unknown_sender", sender + 1));
    // No flow has moved.
    INFO(glbd.log());
    for (const auto &flow : glbd.flows({"--destination", "198.51.100.20:7001"})) {
        const auto source = flow.at("source").get<std::string>();
        for (const auto *list : {&own, &foreign})
            for (const auto &owned : *list)
                if (source.ends_with(fmt::format(":{}", owned.port)))
                    CHECK(flow.at("target") == owned.target);
    }
    CHECK(glbd.flows({"--source", "192.0.2.10:31999"}).empty());
    record_scenario("compromised appliance", {forged, forwarded, {}, "forged packets", "forwarded"});
}
