// A sender begins to leave checksums to its device, which is a veth: its packets are lost, and the node says why.
#include <algorithm>
#include <thread>

#include <catch2/catch.hpp>

#include "tests/harness/skip.h"
#include "tests/netns/testbed/echo.h"
#include "tests/netns/testbed/testbeds.h"

using namespace glb::test;
using namespace std::chrono_literals;

namespace {

std::vector<json> conditions(const Daemon &glbd) {
    std::vector<json> found;
    const auto status = glbd.must_ctl({"status"});
    std::ranges::copy_if(status.at("degraded"), std::back_inserter(found),
                         [](const auto &row) { return row.at("what") == "tx-offload"; });
    return found;
}

unsigned count(const std::string &text, const std::string &part) {
    unsigned found = 0;
    for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
        ++found;
    return found;
}

} // namespace

TEST_CASE("conditions: a client or server that leaves checksums to its device is found within seconds, "
          "logged once") {
    need_root();
    const TwoArm testbed;
    const bool by_client = GENERATE(true, false);
    const auto &sender = by_client ? testbed.client : testbed.server;
    const TcpServer echo(testbed.server, 7000);
    Daemon glbd(testbed.node);
    glbd.start(testbed.manifest());
    REQUIRE(glbd.wait_healthy(1));
    const auto connects = [&] { return tcp_works(testbed.client, TwoArm::server_address, 7000, 200ms); };
    const auto connects6 = [&] { return tcp_works(testbed.client, TwoArm::server_address6, 7000, 200ms); };
    REQUIRE(eventually(10s, connects));
    REQUIRE(eventually(10s, connects6));
    CHECK(conditions(glbd).empty());

    sender.must({"ethtool", "-K", "eth0", "tx", "on"});
    for (int i = 0; i < 2; ++i) {
        CHECK_FALSE(connects());
        CHECK_FALSE(connects6());
    }
    CHECK(eventually(3s, [&] { return !conditions(glbd).empty(); }));
    INFO(glbd.log());
    const auto found = conditions(glbd);
    REQUIRE(found.size() == 1);
    CHECK(found[0].at("where") == (by_client ? "cli0" : "srv0"));
    CHECK(found[0].at("severity") == "warning");
    CHECK(found[0].at("message").get<std::string>().find("endpoint branch") != std::string::npos);
    CHECK(found[0].at("fix").get<std::string>().find("ethtool -K DEV tx off") != std::string::npos);

    for (int i = 0; i < 12; ++i) // more than two checks
        CHECK_FALSE(connects());
    CHECK(count(glbd.log(), "arrive without a complete TCP or UDP checksum") == 1);
    sender.must({"ethtool", "-K", "eth0", "tx", "off"});
    CHECK(eventually(5s, connects));
}
