// Punted packets that the host's own firewall drops are counted, and shown with a remedy.
#include <algorithm>

#include <catch2/catch.hpp>

#include "tests/harness/skip.h"
#include "tests/netns/testbed/testbeds.h"

using namespace glb::test;
using namespace std::chrono_literals;

TEST_CASE("host firewall: what it drops of punted packets is counted and told, and nothing else is") {
    need_root();
    const TwoArm testbed;
    const UdpEcho echo(testbed.server, 7001);
    Daemon glbd(testbed.node);
    glbd.start(testbed.manifest());
    REQUIRE(glbd.wait_healthy(1));
    testbed.node.must({"nft", "table inet host { chain onward { type filter hook forward priority 10; "
                              "ip daddr 198.51.100.20 drop; }; }"});
    // What returns before the neighbour is resolved again is punted.
    UdpStream stream(testbed.client, TwoArm::server_address, 7001, 1000);
    const auto is_counted = [&] {
        testbed.node.must({"ip", "neigh", "flush", "dev", "srv0"});
        return glbd.drop("host_firewall") > 0;
    };
    CHECK(eventually(30s, is_counted));
    (void)stream.finish();
    REQUIRE(glbd.counter("punted") > 0);
    const auto degraded = [&] {
        const auto status = glbd.must_ctl({"status"});
        const auto &rows = status.at("degraded");
        return std::any_of(rows.begin(), rows.end(), [](const json &row) {
            return row.at("what") == "drops" && row.at("where") == "host_firewall" && row.at("fix") != "";
        });
    };
    CHECK(eventually(5s, degraded));

    // What the host's firewall drops of its own traffic is none of ours.
    testbed.node.must({"nft", "delete table inet host"});
    testbed.node.must({"nft", "table inet host { chain out { type filter hook output priority 0; icmp type "
                              "echo-request drop; }; }"});
    const auto before = glbd.drop("host_firewall");
    CHECK_FALSE(ping(testbed.node, TwoArm::server_address, 3));
    CHECK(glbd.drop("host_firewall") == before);
}

TEST_CASE("host firewall: dropped packets are counted by an endpoint's mark, not by one of the guard's own") {
    need_root();
    const TwoArm testbed;
    Daemon glbd(testbed.node);
    glbd.start(testbed.manifest());
    const auto counts = [&](const std::string &mark) {
        testbed.node.must({"nft", "table inet host { chain in { type filter hook input priority 0; icmp type "
                                  "echo-request meta mark set " +
                                      mark + " drop; }; }"});
        const auto before = glbd.drop("host_firewall");
        CHECK_FALSE(ping(testbed.client, "192.0.2.1", 1));
        testbed.node.must({"nft", "delete table inet host"});
        return glbd.drop("host_firewall") > before;
    };
    CHECK(counts("0x00010000"));
    for (const auto *mark : {"0x0fff0000", "0x0ffe0000", "0x0ffd0000", "0x0ffb0000", "0xf000ffff"}) {
        CAPTURE(mark);
        CHECK_FALSE(counts(mark));
    }
}
