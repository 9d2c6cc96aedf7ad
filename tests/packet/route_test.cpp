// Routes as the kernel chooses them: by DSCP and flow label, with its own addresses first, and with their MTU;
// packets that the kernel has to forward.
#include <catch2/catch.hpp>

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>

#include "lib/netlink/netlink.h"
#include "tests/harness/must.h"
#include "tests/harness/skip.h"
#include "tests/packet/routed.h"

using namespace glb;
using namespace glb::test;

namespace {

constexpr std::uint16_t fra_dscp = 25;                               // FRA_DSCP: kernel 6.12
constexpr std::uint16_t fra_flowlabel = 26, fra_flowlabel_mask = 27; // 6.14

/// A rule of the current namespace that leads to table 100. False if this kernel has no such rule.
bool add_rule(std::uint8_t family, const std::function<void(NetlinkRequest &)> &put) {
    auto netlink = must(Netlink::open());
    NetlinkRequest message(RTM_NEWRULE, NLM_F_CREATE);
    auto &header = message.extra<fib_rule_hdr>();
    header.family = family;
    header.action = FR_ACT_TO_TBL;
    header.table = 100;
    put(message);
    return bool(netlink.execute(message, "cannot add a rule"));
}

/// Table 100 leads by wan0, all others by lan0.
struct TwoWays : RoutedRig {
    TwoWays() {
        ns.must({"ip", "route", "add", "198.51.100.0/24", "via", "203.0.113.99", "table", "100"});
        neighbour("wan0", "2001:db8:3::99", wan_gateway);
        ns.must({"ip", "-6", "route", "add", "2001:db8:2::/64", "via", "2001:db8:3::99", "table", "100"});
    }
    bool leaves_by_wan(const Packet &inner) {
        const auto outcome = round_trip(inner);
        REQUIRE(outcome.code == XDP_REDIRECT);
        return Bytes(outcome.frame.begin(), outcome.frame.begin() + 6) ==
               Bytes(wan_gateway.bytes.begin(), wan_gateway.bytes.end());
    }
};

Packet sized(std::size_t bytes, const char *to = "198.51.100.20") {
    return IPv4{.dst = to} / Udp{} / Payload{Bytes(bytes - 28)};
}

Packet sized6(std::size_t bytes) {
    return IPv6{} / Udp{} / Payload{Bytes(bytes - 48)};
}

} // namespace

TEST_CASE("route: rules see the whole DSCP of IPv4", "[route]") {
    need_root();
    TwoWays routed;
    if (!add_rule(AF_INET, [](NetlinkRequest &request) { request.put8(fra_dscp, 46); }))
        return; // an older kernel
    CHECK(routed.leaves_by_wan(IPv4{.tos = 46 << 2} / Udp{}));
    CHECK(routed.leaves_by_wan(IPv4{.tos = (46 << 2) | 3} / Udp{.sport = 1})); // ECN does not count
    CHECK_FALSE(routed.leaves_by_wan(IPv4{.tos = 14 << 2} / Udp{.sport = 2})); // equal but for the upper bits
    CHECK_FALSE(routed.leaves_by_wan(IPv4{} / Udp{.sport = 3}));
}

TEST_CASE("route: rules see DSCP and flow label of IPv6", "[route]") {
    need_root();
    TwoWays routed;
    SECTION("DSCP") {
        routed.ns.must({"ip", "-6", "rule", "add", "tos", "0xb8", "lookup", "100"});
        CHECK(routed.leaves_by_wan(IPv6{.traffic_class = 0xb8} / Udp{}));
        CHECK(routed.leaves_by_wan(IPv6{.traffic_class = 0xb9} / Udp{.sport = 1}));
        CHECK_FALSE(routed.leaves_by_wan(IPv6{.traffic_class = 0x38} / Udp{.sport = 2}));
    }
    SECTION("flow label") {
        const auto label = [](NetlinkRequest &request) {
            request.put(fra_flowlabel, htonl(0x54321));
            request.put(fra_flowlabel_mask, htonl(0xfffff));
        };
        if (add_rule(AF_INET6, label)) {
            CHECK(routed.leaves_by_wan(IPv6{.flow_label = 0x54321} / Udp{}));
            CHECK_FALSE(routed.leaves_by_wan(IPv6{.flow_label = 0x54320} / Udp{.sport = 1}));
        }
    }
    CHECK_FALSE(routed.leaves_by_wan(IPv6{} / Udp{.sport = 3}));
}

TEST_CASE("route: a cached next hop is that of packets with the same DSCP and flow label", "[route]") {
    need_root();
    TwoWays routed;
    routed.next_hop(77, "lan0", lan_mac, lan_gateway);
    const auto cached = [&] { return routed.rig.count(GLB_COUNT_CACHED_EGRESS); };
    SECTION("DSCP of IPv4") {
        routed.ns.must({"ip", "rule", "add", "tos", "0x10", "lookup", "100"});
        for (int i = 0; i < 3; ++i)
            CHECK_FALSE(routed.leaves_by_wan(IPv4{.tos = static_cast<std::uint8_t>(i)} / Udp{})); // ECN
        CHECK(cached() == 2);
        CHECK(routed.leaves_by_wan(IPv4{.tos = 0x10} / Udp{}));
        CHECK_FALSE(routed.leaves_by_wan(IPv4{} / Udp{}));
        CHECK(cached() == 2 + 1);
    }
    SECTION("DSCP of IPv6") {
        routed.ns.must({"ip", "-6", "rule", "add", "tos", "0xb8", "lookup", "100"});
        for (int i = 0; i < 3; ++i)
            CHECK_FALSE(routed.leaves_by_wan(IPv6{.traffic_class = static_cast<std::uint8_t>(i)} / Udp{}));
        CHECK(cached() == 2);
        CHECK(routed.leaves_by_wan(IPv6{.traffic_class = 0xb8} / Udp{}));
    }
    SECTION("flow label") {
        for (int i = 0; i < 2; ++i)
            CHECK_FALSE(routed.leaves_by_wan(IPv6{.flow_label = 0x54321} / Udp{}));
        CHECK(cached() == 1);
        for (const unsigned label : {0x54320u, 0x44321u})
            CHECK_FALSE(routed.leaves_by_wan(IPv6{.flow_label = label} / Udp{}));
        CHECK(cached() == 1);
    }
}

TEST_CASE("route: the node's own addresses come before an endpoint's route table", "[route][punt]") {
    need_root();
    RoutedRig routed;
    routed.ns.must({"ip", "route", "add", "default", "via", "203.0.113.99", "table", "100"});
    routed.neighbour("wan0", "2001:db8:3::99", wan_gateway);
    routed.ns.must({"ip", "-6", "route", "add", "default", "via", "2001:db8:3::99", "table", "100"});
    routed.rig.reconfigure([](auto &bank) {
        bank.endpoints[0].route_table = 100;
        for (const auto *address : {"203.0.113.1", "203.0.113.255", "2001:db8:3::1"})
            bank.node_addresses.push_back(*IpAddress::parse(address));
    });
    SECTION("others follow the table") {
        for (const Packet &inner :
             {Packet(IPv4{.dst = "203.0.113.2"} / Udp{}), Packet(IPv6{.dst = "2001:db8:3::2"} / Udp{})})
            CHECK(routed.round_trip(inner).code == XDP_REDIRECT);
    }
    SECTION("its own are punted, and so is what no router forwards") {
        const auto *to = GENERATE("203.0.113.1", "203.0.113.255", "10.0.1.10", "127.0.0.1", "0.0.0.0");
        CAPTURE(to);
        routed.check_punted(IPv4{.dst = to} / Udp{});
    }
    SECTION("IPv6") {
        const auto *to = GENERATE("2001:db8:3::1", "::1");
        routed.check_punted(IPv6{.dst = to} / Udp{});
    }
}

TEST_CASE("route: a packet longer than its route's MTU is punted, whatever the flow has cached",
          "[route][punt]") {
    need_root();
    RoutedRig routed;
    routed.next_hop(77, "lan0", lan_mac, lan_gateway);
    const std::string lock = GENERATE("mtu", "mtu lock");
    std::vector<std::string> change{"ip", "route", "replace", "198.51.100.0/24", "via", "192.0.2.99", "mtu"};
    if (lock == "mtu lock")
        change.push_back("lock"); // the kernel's look-up knows this one
    else
        routed.rig.reconfigure([](auto &bank) {
            bank.route_mtus = {{*IpPrefix::parse("198.51.100.0/24"), 900}};
        });
    change.push_back("900");
    routed.ns.must(change);
    CHECK(routed.round_trip(sized(900)).code == XDP_REDIRECT);
    CHECK(routed.round_trip(sized(901)).code == XDP_PASS);
    CHECK(routed.round_trip(sized(900)).code == XDP_REDIRECT);
    CHECK(routed.round_trip(sized(1400)).code == XDP_PASS);
    CHECK(routed.rig.count(GLB_COUNT_PUNTED) == 2);
    CHECK(routed.rig.count(GLB_COUNT_CACHED_EGRESS) == 0);

    // Another route by the same next hop has the interface's MTU, and is cached.
    routed.ns.route("100.64.0.0/16", "192.0.2.99");
    CHECK(routed.round_trip(sized(1400, "100.64.0.1")).code == XDP_REDIRECT);
    CHECK(routed.round_trip(sized(1400, "100.64.0.1")).code == XDP_REDIRECT);
    CHECK(routed.rig.count(GLB_COUNT_CACHED_EGRESS) == 1);
}

TEST_CASE("route: the most specific route with an MTU applies, of either IP version", "[route][punt]") {
    need_root();
    RoutedRig routed;
    routed.next_hop(77, "lan0", lan_mac, lan_gateway);
    routed.rig.reconfigure([](auto &bank) {
        bank.route_mtus = {{*IpPrefix::parse("0.0.0.0/0"), 1200},
                           {*IpPrefix::parse("198.51.100.20/32"), 1300},
                           {*IpPrefix::parse("::/0"), 1310}};
    });
    if (GENERATE(false, true))
        routed.rig.apply(); // the other bank has other scopes
    CHECK(routed.round_trip(sized(1300)).code == XDP_REDIRECT);
    CHECK(routed.round_trip(sized(1301)).code == XDP_PASS);
    CHECK(routed.round_trip(sized(1200, "198.51.100.21")).code == XDP_REDIRECT);
    CHECK(routed.round_trip(sized(1201, "198.51.100.21")).code == XDP_PASS);
    CHECK(routed.round_trip(sized6(1310)).code == XDP_REDIRECT);
    CHECK(routed.round_trip(sized6(1311)).code == XDP_PASS);
    routed.rig.reconfigure([](auto &bank) { bank.route_mtus.clear(); });
    CHECK(routed.round_trip(sized(1400)).code == XDP_REDIRECT);
}

TEST_CASE("route: IPv6 packets obey the interface's IPv6 MTU, whatever the flow has cached",
          "[route][punt]") {
    need_root();
    RoutedRig routed;
    routed.next_hop(77, "lan0", lan_mac, lan_gateway);
    routed.ns.sysctl("net/ipv6/conf/lan0/mtu", "1300");
    CHECK(routed.round_trip(sized6(1300)).code == XDP_REDIRECT);
    CHECK(routed.round_trip(sized6(1301)).code == XDP_PASS);
    CHECK(routed.round_trip(sized(1400)).code == XDP_REDIRECT);
}

TEST_CASE("route: the host stack forwards everything of an endpoint that needs it", "[route][punt]") {
    need_root();
    RoutedRig routed;
    routed.next_hop(77, "lan0", lan_mac, lan_gateway);
    CHECK(routed.round_trip(to_lan).code == XDP_REDIRECT);
    CHECK(routed.round_trip(to_lan).code == XDP_REDIRECT);
    CHECK(routed.rig.count(GLB_COUNT_CACHED_EGRESS) == 1);
    routed.rig.reconfigure([](auto &bank) { bank.endpoints[0].punt = true; });
    const auto outcome = routed.round_trip(to_lan);
    CHECK(outcome.code == XDP_PASS);
    CHECK_THAT(outcome.metadata, equals(from_hex("ed5eed5e 03000000"))); // magic, endpoint
    CHECK(routed.round_trip(to_lan6).code == XDP_PASS);
    CHECK(routed.rig.count(GLB_COUNT_PUNTED) == 2);
    CHECK(routed.rig.count(GLB_COUNT_CACHED_EGRESS) == 1);

    SECTION("what is bypassed, too") {
        const std::uint32_t key = sample_endpoint;
        const std::uint64_t override = GLB_ENDPOINT_BYPASS;
        REQUIRE(bpf_map_update_elem(routed.rig.roles.handles->map(datapath::Map::endpoint_override), &key,
                                    &override, BPF_ANY) == 0);
        CHECK(routed.rig.send(from_client(to_lan)).code == XDP_PASS);
        CHECK(routed.rig.count(GLB_COUNT_BYPASSED) == 1);
    }
    SECTION("until it does not") {
        routed.rig.reconfigure([](auto &bank) { bank.endpoints[0].punt = false; });
        CHECK(routed.round_trip(to_lan).code == XDP_REDIRECT);
    }
}
