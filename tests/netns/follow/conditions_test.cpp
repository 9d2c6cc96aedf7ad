// What becomes wrong with the machine while the node runs: found within seconds, logged once, and gone with its cause.
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/harness/packet.h"
#include "tests/harness/skip.h"
#include "tests/netns/testbed/frames.h"
#include "tests/netns/testbed/tagger.h"
#include "tests/netns/testbed/testbeds.h"

using namespace glb::test;
using namespace std::chrono_literals;

namespace {

constexpr auto detection_time = 3s;
constexpr auto several_checks = 2500ms; // which are made once a second

/// In place of a shell command: an eBPF program behind all ingress filters of srv0.
constexpr auto foreign_program = "remove_tags";

struct Case {
    std::string provoke, revert; ///< shell commands
    std::string what, where;     ///< the condition; `where` may be a part of it
    std::string message;         ///< part of the log line, which no other case has
};

/// The mark bits are those of the default node.markMask, 0x0fff0000.
const std::vector<Case> cases = {
    {"ip link set srv0 mtu 1533", "ip link set srv0 mtu 1500", "tunnel-mtu", "/endpoints/0/interfaces/1",
     "/endpoints/0/interfaces/1: the tunnel's MTU, "},
    {"ip link set under0 mtu 1560", "ip link set under0 mtu 1600", "tunnel-mtu", "/endpoints/0/interfaces/0",
     "/endpoints/0/interfaces/0: the tunnel's MTU, 1560 on under0"},
    {"sysctl -qw net.ipv4.ip_forward=0", "sysctl -qw net.ipv4.ip_forward=1", "forwarding-off",
     "net/ipv4/conf/srv0/forwarding", "net/ipv4/conf/srv0/forwarding: forwarding is off"},
    {"sysctl -qw net.ipv6.conf.cli0.forwarding=0", "sysctl -qw net.ipv6.conf.cli0.forwarding=1",
     "forwarding-off", "net/ipv6/conf/cli0/forwarding", "net/ipv6/conf/cli0/forwarding: forwarding is off"},
    {"nft 'table inet fw { chain onward { type filter hook forward priority 0; policy drop; }; }'",
     "nft delete table inet fw", "foreign-chain", "chain onward of table inet fw",
     "chain onward of table inet fw: filters forwarded packets"},
    {"nft 'table ip host { chain post { type nat hook postrouting priority srcnat; masquerade; }; }'",
     "nft delete table ip host", "foreign-nat", "chain post of table ip host",
     "chain post of table ip host: does NAT"},
    {"ip xfrm policy add src 192.0.2.0/24 dst 198.51.100.0/24 dir fwd action block", "ip xfrm policy flush",
     "ipsec-policy", "", "IPsec policy \"src 192.0.2.0/24 dst 198.51.100.0/24 dir fwd action block\""},
    {"ip rule add fwmark 0x10000/0x10000 lookup 99 priority 500", "ip rule del priority 500", "foreign-mark",
     "ip rule 500", "ip rule 500: fwmark 0x10000/0x10000 lookup 99: matches bits of the packet mark"},
    {"nft 'table inet qos { chain pre { type filter hook prerouting priority 0; meta mark set 0x10000; }; }'",
     "nft delete table inet qos", "foreign-mark", "in chain pre of table inet qos",
     "in chain pre of table inet qos: changes bits of the packet mark"},
    {"tc filter add dev cli0 ingress prio 1 protocol all handle 1 bpf bytecode '1,6 0 0 0'",
     "tc filter del dev cli0 ingress prio 1 protocol all handle 1 bpf", "foreign-filter", "cli0",
     "cli0: another tc filter runs before the guard's"},
    {foreign_program, "tc filter del dev srv0 ingress prio 1000", "opaque-filter", "tc filter on srv0",
     "tc filter on srv0 (bpf, priority 1000): runs after the guard's filter, and may change packet marks"},
};

struct Fixture {
    Fixture() : glbd(testbed.node) {
        glbd.start(testbed.manifest());
        if (!glbd.wait_healthy(1))
            throw std::runtime_error(glbd.log());
    }
    void run(const std::string &command) const {
        if (command == foreign_program)
            remove_tags(testbed.node, "srv0");
        else
            testbed.node.must({"sh", "-c", command});
    }
    [[nodiscard]] bool holds(const Case &one) const {
        const auto status = glbd.must_ctl({"status"});
        for (const auto &row : status.at("degraded"))
            if (row.at("what") == one.what &&
                row.at("where").get<std::string>().find(one.where) != std::string::npos)
                return true;
        return false;
    }
    /// Lines with this text that begin the condition, or that end it.
    [[nodiscard]] unsigned lines(const std::string &text, bool ended) const {
        const auto log = glbd.log();
        unsigned found = 0;
        for (auto at = log.find(text); at != std::string::npos; at = log.find(text, at + 1)) {
            const auto line = log.rfind('\n', at) + 1;
            const auto before = log.find("no longer: ", line);
            found += (before != std::string::npos && before < at) == ended;
        }
        return found;
    }

    TwoArm testbed;
    Daemon glbd;
};

} // namespace

TEST_CASE("conditions: what becomes wrong later is found within seconds and logged once, and its end too") {
    need_root();
    const Fixture fixture;
    for (const auto &one : cases) {
        INFO(one.provoke << '\n' << fixture.glbd.log());
        CHECK_FALSE(fixture.holds(one));
        fixture.run(one.provoke);
        CHECK(eventually(detection_time, [&] { return fixture.holds(one); }));
    }
    std::this_thread::sleep_for(several_checks);
    for (const auto &one : cases) {
        INFO(one.provoke << '\n' << fixture.glbd.log());
        CHECK(fixture.holds(one));
        CHECK(fixture.lines(one.message, false) == 1);
        fixture.run(one.revert);
    }
    for (const auto &one : cases) {
        INFO(one.revert << '\n' << fixture.glbd.log());
        CHECK(eventually(detection_time, [&] { return !fixture.holds(one); }));
        CHECK(fixture.lines(one.message, true) == 1);
        CHECK(fixture.lines(one.message, false) == 1);
    }
}

TEST_CASE("conditions: an endpoint's MTU that is lowered below its hosts' is found by the packets it costs") {
    need_root();
    const Fixture fixture;
    const auto &testbed = fixture.testbed;
    const Case drops{.provoke = {},
                     .revert = {},
                     .what = "drops",
                     .where = "appliance_offload",
                     .message = "returned packet is longer than its endpoint's MTU"};
    // The longest frame that a veth lets pass: it allows for a tag.
    const auto frame = (Eth{.dst = mac_of(testbed.node, "cli0"), .src = mac_of(testbed.client, "eth0")} /
                        IPv4{} / Udp{.dport = 7001} / Payload(Bytes(1404 - 28)))
                           .bytes();
    send_frames(testbed.client, "eth0", {frame});
    CHECK_FALSE(eventually(1500ms, [&] { return fixture.holds(drops); }));
    fixture.run("ip link set cli0 mtu 1400; ip link set srv0 mtu 1400");
    CHECK(eventually(detection_time, [&] {
        send_frames(testbed.client, "eth0", {frame});
        return fixture.holds(drops);
    }));
    INFO(fixture.glbd.log());
    std::this_thread::sleep_for(several_checks);
    CHECK(fixture.lines(drops.message, false) == 1);
}
