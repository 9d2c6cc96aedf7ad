// What an operator runs on the node itself stays up beside inspected traffic, and whatever befalls glbd.
#include <algorithm>
#include <cmath>
#include <regex>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "tests/harness/skip.h"
#include "tests/netns/testbed/backlog.h"
#include "tests/netns/testbed/capture.h"
#include "tests/netns/testbed/services.h"
#include "tests/netns/testbed/testbeds.h"

using namespace glb::test;
using namespace std::chrono_literals;

namespace {

/// The seconds of the day since which each session stands, in their order.
std::vector<double> since(const std::string &sessions) {
    static const std::regex clock(R"((\d+):(\d+):(\d+\.\d+)\s+Established)");
    std::vector<double> times;
    for (std::sregex_iterator at(sessions.begin(), sessions.end(), clock), end; at != end; ++at)
        times.push_back(std::stod((*at)[1]) * 3600 + std::stod((*at)[2]) * 60 + std::stod((*at)[3]));
    return times;
}

/// BIRD reckons wall-clock times anew at each question, and is a millisecond off now and then.
bool same_sessions(const std::string &left, const std::string &right) {
    const auto a = since(left), b = since(right);
    return a.size() == 4 && std::equal(a.begin(), a.end(), b.begin(), b.end(),
                                       [](double x, double y) { return std::abs(x - y) < 0.1; });
}

} // namespace

TEST_CASE(
    "services: SSH and BGP sessions to the node outlive glbd's death and restart under inspected traffic") {
    need_root();
    const TwoArm world;
    const UdpEcho udp(world.server, 7001);
    Daemon glbd(world.node);
    glbd.start(world.manifest());
    REQUIRE(glbd.wait_healthy(1));
    Witness witness(world.appliances.front()->ns());

    const SshServer sshd(world.node);
    const Bird::Side here{"192.0.2.1", "2001:db8:1::1", 65001},
        there{TwoArm::client_address, TwoArm::client_address6, 65002};
    const Bird node_bird(world.node, here, there), client_bird(world.client, there, here, "192.0.2.192/26");
    const auto ticks =
        sshd.start(world.client, "192.0.2.1", "i=0; while sleep 0.05; do i=$((i+1)); echo tick $i.; done");
    INFO(sshd.log() << glbd.log());
    REQUIRE(ticks.wait_for_output("tick 3\\.", 20s));
    REQUIRE(eventually(30s, [&] { return node_bird.established() && client_bird.established(); }));
    REQUIRE(eventually(10s, [&] { return node_bird.knows("192.0.2.192/26"); }));
    const auto sessions = node_bird.sessions() + client_bird.sessions();

    const LongBacklog backlog;
    UdpStream stream(world.client, TwoArm::server_address, 7001, 1000);
    const auto still_up = [&] {
        const auto text = ticks.output();
        const auto last = text.rfind("tick ");
        const auto next = std::stoi(text.substr(last + 5)) + 10;
        CHECK(ticks.wait_for_output(fmt::format("tick {}\\.", next), 10s));
        for (const std::string address : {"192.0.2.1", "2001:db8:1::1"})
            CHECK(sshd.download(world.client, address) == sshd.sha256());
        const auto now = node_bird.sessions() + client_bird.sessions();
        INFO(now << sessions);
        CHECK(same_sessions(now, sessions));
    };
    // Longer than BGP's hold time of three seconds: a session without keepalives would be down.
    const auto for_a_while = [&] {
        const auto sent = stream.sent();
        REQUIRE(eventually(30s, [&] { return stream.sent() >= sent + 3500; }));
    };
    still_up();
    glbd.kill9();
    for_a_while();
    still_up();
    glbd.start();
    REQUIRE(glbd.wait_healthy(1));
    for_a_while();
    still_up();
    CHECK(stream.finish().lost() == 0);
    CHECK(glbd.uninspected() == 0);

    const auto &seen = witness.seen();
    CHECK(
        std::any_of(seen.begin(), seen.end(), [](const auto &e) { return e.first.ip_proto == IPPROTO_UDP; }));
    CHECK(std::none_of(seen.begin(), seen.end(),
                       [](const auto &e) { return e.first.ip_proto == IPPROTO_TCP; }));
}
