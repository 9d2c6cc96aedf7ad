// What the kernel does to forwarded packets and an XDP redirect does not: IPsec policies, queueing disciplines and
// egress filters, MTUs of routes.
#include <catch2/catch.hpp>

#include <algorithm>

#include "controller/network/forwarding_reader.h"
#include "tests/harness/skip.h"
#include "tests/netns/network/kernel.h"

using namespace glb;
using namespace glb::network;
using namespace glb::test;

namespace {

struct Host {
    Namespace ns{"nt-forward"}, far{"nt-forwarded"};
    Netlink netlink = netlink_in(ns);
    ForwardingReader reader = ns.call([] { return must(ForwardingReader::open()); });
    MonotonicTime now{};

    Host() {
        veth(ns, "eth0", far, "far0");
        ns.address("eth0", "192.0.2.1/24");
        ns.address("eth0", "2001:db8:1::1/64");
    }
    Snapshot read() {
        auto snapshot = snapshot_of(netlink);
        const auto error = reader.read(snapshot, now);
        INFO(error);
        CHECK(error.empty());
        return snapshot;
    }
    void ip(std::vector<std::string> arguments) const {
        arguments.insert(arguments.begin(), "ip");
        ns.must(arguments);
    }
    /// The policy that applies to forwarded packets; empty: none.
    std::string policy() {
        const auto snapshot = read();
        const auto *found = xfrm_policy_of_forwarded(snapshot);
        return found ? to_string(*found) : "";
    }
    std::vector<std::string> controls() {
        std::vector<std::string> texts;
        const auto snapshot = read();
        for (const auto &control : snapshot.egress_controls) {
            CHECK(control.ifindex == ns.ifindex("eth0"));
            texts.push_back((control.type == EgressControl::Type::qdisc ? "qdisc " : "filter ") +
                            control.kind);
        }
        std::ranges::sort(texts);
        return texts;
    }
    std::vector<std::string> route_mtus() {
        std::vector<std::string> texts;
        const auto snapshot = read();
        for (const auto &route : snapshot.route_mtus)
            texts.push_back(fmt::format("{} {}", route.destination.to_string(), route.mtu));
        return texts;
    }
};

using Texts = std::vector<std::string>;

} // namespace

TEST_CASE("forwarding: IPsec policies of forwarded packets are found, added and removed", "[net]") {
    Host host;
    CHECK(host.policy().empty());
    const auto add = [&](std::vector<std::string> selector) {
        selector.insert(selector.begin(), {"xfrm", "policy", "add"});
        host.ip(selector);
    };
    SECTION("one that blocks") {
        add({"src", "192.0.2.0/24", "dst", "198.51.100.0/24", "dir", "fwd", "action", "block"});
        CHECK(host.policy() == "src 192.0.2.0/24 dst 198.51.100.0/24 dir fwd action block");
        CHECK(host.policy() == "src 192.0.2.0/24 dst 198.51.100.0/24 dir fwd action block"); // not read again
        host.ip({"xfrm", "policy", "delete", "src", "192.0.2.0/24", "dst", "198.51.100.0/24", "dir", "fwd"});
        CHECK(host.policy().empty());
    }
    SECTION("one that encrypts, of any address") {
        add({"src", "2001:db8::/32", "dst", "::/0", "dir", "out", "tmpl", "src", "2001:db8:1::1", "dst",
             "2001:db8:9::1", "proto", "esp", "mode", "tunnel"});
        CHECK(host.policy() == "src 2001:db8::/32 dst ::/0 dir out");
    }
    SECTION("those that cannot apply to forwarded packets are not") {
        add({"src", "192.0.2.0/24", "dst", "0.0.0.0/0", "dir", "in", "action", "block"});
        add({"src", "192.0.2.0/24", "dst", "0.0.0.0/0", "dir", "fwd", "action", "allow"}); // without effect
        add({"src", "192.0.2.1/32", "dst", "0.0.0.0/0", "dir", "out", "action", "block"}); // the node's own
        add({"src", "0.0.0.0/0", "dst", "192.0.2.1/32", "dir", "fwd", "action", "block"});
        add({"src", "0.0.0.0/0", "dst", "0.0.0.0/0", "dir", "out", "if_id", "7", "action", "block"});
        CHECK(host.read().xfrm_policies.size() == 5);
        CHECK(host.policy().empty());
        host.ip({"addr", "del", "192.0.2.1/24", "dev", "eth0"}); // now it is somebody else's
        CHECK_FALSE(host.policy().empty());
    }
    SECTION("the default") {
        host.ip({"xfrm", "policy", "setdefault", "fwd", "block"});
        CHECK(host.policy() == "default dir fwd action block");
        host.ip({"xfrm", "policy", "setdefault", "fwd", "accept"});
        CHECK(host.policy().empty());
        host.ip({"xfrm", "policy", "setdefault", "in", "block"});
        CHECK(host.policy().empty());
    }
}

TEST_CASE("forwarding: queueing disciplines that limit and egress filters are found", "[net]") {
    Host host;
    CHECK(host.controls().empty());
    const auto tc = [&](std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), "tc");
        host.ns.must(arguments);
    };
    SECTION("a limit") {
        tc({"qdisc", "add", "dev", "eth0", "root", "tbf", "rate", "1mbit", "burst", "10kb", "latency",
            "50ms"});
        CHECK(host.controls() == Texts{"qdisc tbf"});
        tc({"qdisc", "del", "dev", "eth0", "root"});
        CHECK(host.controls().empty());
    }
    SECTION("classes, and a queue in one") {
        tc({"qdisc", "add", "dev", "eth0", "root", "handle", "1:", "htb", "default", "1"});
        tc({"class", "add", "dev", "eth0", "parent", "1:", "classid", "1:1", "htb", "rate", "1mbit"});
        tc({"qdisc", "add", "dev", "eth0", "parent", "1:1", "pfifo"});
        CHECK(host.controls() == Texts{"qdisc htb"});
    }
    SECTION("a queue") {
        tc({"qdisc", "add", "dev", "eth0", "root", "pfifo", "limit", "100"});
        CHECK(host.controls().empty());
    }
    SECTION("filters: at egress, not at ingress") {
        tc({"qdisc", "add", "dev", "eth0", "clsact"});
        tc({"filter", "add", "dev", "eth0", "ingress", "protocol", "ip", "u32", "match", "u32", "0", "0",
            "classid", "1:1"});
        CHECK(host.controls().empty());
        tc({"filter", "add", "dev", "eth0", "egress", "protocol", "ip", "u32", "match", "u32", "0", "0",
            "classid", "1:1"});
        CHECK(host.controls() == Texts{"filter u32"});
    }
    SECTION("nftables chains: at egress of an interface that exists") {
        host.ns.must({"nft",
                      "table netdev fw { chain in { type filter hook ingress device eth0 priority 0; }; "
                      "chain other { type filter hook egress device lo priority 0; }; }"});
        REQUIRE(host.read().egress_controls.size() == 1); // of lo
        host.ns.must({"nft",
                      "delete chain netdev fw other; add chain netdev fw out { type filter hook egress "
                      "devices = { eth0, lo } priority 0; }"});
        host.ns.must({"nft",
                      "add table netdev fw2; add chain netdev fw2 out { type filter hook egress device eth0 "
                      "priority 0; }"});
        const auto kinds = [&](const char *device) {
            Texts texts;
            const auto snapshot = host.read();
            for (const auto &control : snapshot.egress_controls)
                if (control.ifindex == host.ns.ifindex(device))
                    texts.push_back(control.kind);
            std::ranges::sort(texts);
            return texts;
        };
        CHECK(kinds("eth0") ==
              Texts{"nftables chain out of table netdev fw", "nftables chain out of table netdev fw2"});
        CHECK(kinds("lo") == Texts{"nftables chain out of table netdev fw"});
        host.ns.must({"nft", "flush", "ruleset"});
        CHECK(host.controls().empty());
    }
}

TEST_CASE("forwarding: destinations of routes with an MTU are found in every table", "[net]") {
    Host host;
    CHECK(host.route_mtus().empty());
    host.ip({"route", "add", "198.51.100.0/24", "via", "192.0.2.9"});
    CHECK(host.route_mtus().empty());
    host.ip({"route", "add", "203.0.113.0/24", "via", "192.0.2.9", "mtu", "1400"});
    host.ip({"route", "add", "default", "via", "192.0.2.9", "mtu", "lock", "1300", "table", "77"});
    host.ip({"-6", "route", "add", "2001:db8:7::/48", "via", "2001:db8:1::9", "mtu", "1350"});
    CHECK(host.route_mtus() == Texts{"0.0.0.0/0 1300", "203.0.113.0/24 1400", "2001:db8:7::/48 1350"});
    host.ip(
        {"route", "add", "203.0.113.0/24", "via", "192.0.2.8", "mtu", "1380", "table", "78"}); // the smallest
    host.ip({"route", "del", "default", "table", "77"});
    CHECK(host.route_mtus() == Texts{"203.0.113.0/24 1380", "2001:db8:7::/48 1350"});
    host.ip({"route", "del", "203.0.113.0/24", "table", "78"});
    host.ip({"route", "del", "203.0.113.0/24"});
    host.ip({"-6", "route", "del", "2001:db8:7::/48"});
    CHECK(host.route_mtus().empty());
}

TEST_CASE("forwarding: too many destinations are one per IP version", "[net]") {
    std::vector<RouteMtu> routes;
    for (unsigned i = 0; i <= max_route_mtus; ++i)
        routes.push_back({*IpPrefix::parse(fmt::format("10.{}.{}.0/24", i / 256, i % 256)), 1400 + i % 7});
    auto few = routes;
    few.pop_back();
    CHECK(merged_route_mtus(few).size() == max_route_mtus);
    routes.push_back({*IpPrefix::parse("2001:db8::/32"), 1380});
    const auto merged = merged_route_mtus(routes);
    REQUIRE(merged.size() == 2);
    CHECK(merged[0] == RouteMtu{*IpPrefix::parse("0.0.0.0/0"), 1400});
    CHECK(merged[1] == RouteMtu{*IpPrefix::parse("::/0"), 1380});
}
