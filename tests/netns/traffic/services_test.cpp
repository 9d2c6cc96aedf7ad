// Services on the node stay up next to inspected traffic and across a kill and restart of glbd.
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

/// The time of day, in seconds, at which each session was established, in the order of the sessions.
std::vector<double> established_at(const std::string &sessions) {
    static const std::regex clock(R"((\d+):(\d+):(\d+\.\d+)\s+Established)");
    std::vector<double> times;
    for (std::sregex_iterator at(sessions.begin(), sessions.end(), clock), end; at != end; ++at)
        times.push_back(std::stod((*at)[1]) * 3600 + std::stod((*at)[2]) * 60 + std::stod((*at)[3]));
    return times;
}

/// BIRD converts to wall-clock time for each query, which may differ by a millisecond.
bool same_sessions(const std::string &left, const std::string &right) {
    const auto a = established_at(left), b = established_at(right);
    return a.size() == 4 && std::equal(a.begin(), a.end(), b.begin(), b.end(),
                                       [](double x, double y) { return std::abs(x - y) < 0.1; });
}

} // namespace

TEST_CASE(
    "services: SSH and BGP sessions to the node survive a kill and restart of glbd under inspected traffic") {
    need_root();
    const TwoArm testbed;
    const UdpEcho udp(testbed.server, 7001);
    Daemon glbd(testbed.node);
    glbd.start(testbed.manifest());
    REQUIRE(glbd.wait_healthy(1));
    Capture capture(testbed.appliances.front()->ns());

    const SshServer sshd(testbed.node);
    const Bird::Side node_side{"192.0.2.1", "2001:db8:1::1", 65001},
        client_side{TwoArm::client_address, TwoArm::client_address6, 65002};
    const Bird node_bird(testbed.node, node_side, client_side),
        client_bird(testbed.client, client_side, node_side, "192.0.2.192/26");
    const auto ticks =
        sshd.start(testbed.client, "192.0.2.1", "i=0; while sleep 0.05; do i=$((i+1)); echo tick $i.; done");
    INFO(sshd.log() << glbd.log());
    REQUIRE(ticks.wait_for_output("tick 3\\.", 20s));
    REQUIRE(eventually(30s, [&] { return node_bird.established() && client_bird.established(); }));
    REQUIRE(eventually(10s, [&] { return node_bird.has_route("192.0.2.192/26"); }));
    const auto sessions = node_bird.sessions() + client_bird.sessions();

    const LongBacklog backlog;
    UdpStream stream(testbed.client, TwoArm::server_address, 7001, 1000);
    const auto check_sessions = [&] {
        const auto text = ticks.output();
        const auto last = text.rfind("tick ");
        const auto next = std::stoi(text.substr(last + 5)) + 10;
        CHECK(ticks.wait_for_output(fmt::format("tick {}\\.", next), 10s));
        for (const std::string address : {"192.0.2.1", "2001:db8:1::1"})
            CHECK(sshd.download(testbed.client, address) == sshd.sha256());
        const auto now = node_bird.sessions() + client_bird.sessions();
        INFO(now << sessions);
        CHECK(same_sessions(now, sessions));
    };
    // Longer than BGP's hold time of three seconds, after which a session without keepalives is closed.
    const auto wait_beyond_hold_time = [&] {
        const auto sent = stream.sent();
        REQUIRE(eventually(30s, [&] { return stream.sent() >= sent + 3500; }));
    };
    check_sessions();
    glbd.kill9();
    wait_beyond_hold_time();
    check_sessions();
    glbd.start();
    REQUIRE(glbd.wait_healthy(1));
    wait_beyond_hold_time();
    check_sessions();
    CHECK(stream.finish().lost() == 0);
    CHECK(glbd.uninspected() == 0);

    const auto &inspected = capture.flows();
    CHECK(std::any_of(inspected.begin(), inspected.end(),
                      [](const auto &e) { return e.first.ip_proto == IPPROTO_UDP; }));
    CHECK(std::none_of(inspected.begin(), inspected.end(),
                       [](const auto &e) { return e.first.ip_proto == IPPROTO_TCP; }));
}
