// Notifications of the network monitor for each kind of change, and for lost messages.
#include <catch2/catch.hpp>

#include <linux/neighbour.h>
#include <poll.h>
#include <sys/socket.h>

#include "controller/network/monitor.h"
#include "tests/harness/skip.h"
#include "tests/netns/network/kernel.h"

using namespace glb;
using namespace glb::test;
using namespace std::chrono_literals;

namespace {

struct MonitorFixture {
    Namespace ns{"nt-watch"}, far{"nt-watched"};
    network::Monitor monitor;

    MonitorFixture()
        : monitor([this] {
              veth(ns, "eth0", far, "far0");
              ns.address("eth0", "192.0.2.1/24");
              return ns.call([] { return must(network::Monitor::open()); });
          }()) {}

    /// Merges all notifications until none was received for 200 ms.
    network::NetworkChange changes() {
        network::NetworkChange all;
        pollfd wait{monitor.fd(), POLLIN, 0};
        while (::poll(&wait, 1, 200) == 1) {
            int calls = 0;
            const auto drained = monitor.drain([&](const network::NetworkChange &change) {
                ++calls;
                all.links |= change.links;
                all.addresses |= change.addresses;
                all.routes |= change.routes;
                all.neighbours |= change.neighbours;
                all.rules |= change.rules;
                all.overrun |= change.overrun;
            });
            if (!drained)
                throw std::runtime_error(drained.error().message);
            if (calls > 1)
                throw std::logic_error("drain() called back more than once");
        }
        return all;
    }
};

} // namespace

TEST_CASE("monitor: each change is reported with its kind, and nothing without a change", "[net]") {
    need_root();
    MonitorFixture fixture;
    // Creating a device causes many notifications, some of them delayed.
    REQUIRE(eventually(20s, [&] { return !fixture.changes().any(); }));

    const auto after = [&](const std::vector<std::string> &argv) {
        fixture.ns.must(argv);
        return fixture.changes();
    };
    auto change = after({"ip", "link", "set", "eth0", "mtu", "1400"});
    CHECK(change.links);
    CHECK_FALSE(change.rules);
    change = after({"ip", "address", "add", "192.0.2.2/24", "dev", "eth0"});
    CHECK(change.addresses);
    CHECK_FALSE(change.links);
    CHECK(after({"ip", "address", "add", "2001:db8::1/64", "dev", "eth0"}).addresses);
    change = after({"ip", "route", "add", "203.0.113.0/24", "via", "192.0.2.254"});
    CHECK(change.routes);
    CHECK_FALSE(change.addresses);
    CHECK(after({"ip", "route", "del", "203.0.113.0/24"}).routes);
    CHECK(after({"ip", "-6", "route", "add", "2001:db8:2::/64", "via", "2001:db8::2"}).routes);
    CHECK(after({"ip", "nexthop", "add", "id", "5", "via", "192.0.2.254", "dev", "eth0"}).routes);
    CHECK(after({"ip", "nexthop", "replace", "id", "5", "via", "192.0.2.253", "dev", "eth0"}).routes);
    change = after({"ip", "neigh", "add", "192.0.2.9", "lladdr", "02:00:00:00:00:09", "dev", "eth0"});
    CHECK(change.neighbours);
    CHECK_FALSE(change.routes);
    CHECK(after({"ip", "neigh", "replace", "192.0.2.9", "lladdr", "02:00:00:00:00:0a", "dev", "eth0"})
              .neighbours);
    change = after({"ip", "rule", "add", "priority", "500", "lookup", "77"});
    CHECK(change.rules);
    CHECK_FALSE(change.links);
    CHECK(after({"ip", "-6", "rule", "add", "priority", "500", "lookup", "77"}).rules);
    CHECK(after({"ip", "link", "del", "eth0"}).links);
    CHECK(fixture.monitor.overruns() == 0);
}

TEST_CASE("monitor: a neighbour is reported when its MAC address changes or it is removed, not otherwise",
          "[net]") {
    need_root();
    MonitorFixture fixture;
    REQUIRE(eventually(20s, [&] { return !fixture.changes().any(); }));
    const auto reported = [&](const std::vector<std::string> &arguments) {
        std::vector<std::string> argv{"ip", "neigh"};
        argv.insert(argv.end(), arguments.begin(), arguments.end());
        argv.insert(argv.end(), {"dev", "eth0"});
        fixture.ns.must(argv);
        return fixture.changes().neighbours;
    };
    const std::string mac = "02:00:00:00:00:09", other = "02:00:00:00:00:0a";
    CHECK(reported({"add", "192.0.2.9", "lladdr", mac, "nud", "reachable"}));
    CHECK_FALSE(reported({"replace", "192.0.2.9", "lladdr", mac, "nud", "stale"}));
    CHECK_FALSE(reported({"replace", "192.0.2.9", "lladdr", mac, "nud", "permanent"}));
    CHECK(reported({"replace", "192.0.2.9", "lladdr", other, "nud", "permanent"}));
    CHECK(reported({"del", "192.0.2.9"}));
    CHECK_FALSE(reported({"add", "192.0.2.10", "nud", "failed"}));
    CHECK_FALSE(reported({"del", "192.0.2.10"}));
    // No host has this address: resolution starts and fails.
    (void)fixture.ns.run({"ping", "-c", "1", "-W", "1", "192.0.2.77"});
    CHECK(eventually(10s, [&] {
        const auto neighbours = fixture.ns.must({"ip", "neigh", "show", "dev", "eth0"});
        CHECK_FALSE(fixture.changes().neighbours);
        return neighbours.find("192.0.2.77 FAILED") != std::string::npos;
    }));

    network::Snapshot seen;
    seen.neighbours = {{fixture.ns.ifindex("eth0"), *IpAddress::parse("192.0.2.11"),
                        MacAddress{{2, 0, 0, 0, 0, 9}}, NUD_STALE}};
    fixture.monitor.set_known_neighbours(seen);
    CHECK_FALSE(reported({"add", "192.0.2.11", "lladdr", mac, "nud", "reachable"}));
    CHECK(reported({"del", "192.0.2.11"}));
}

TEST_CASE("monitor: lost messages are reported as an overrun, and later changes are reported again",
          "[net]") {
    need_root();
    MonitorFixture fixture;
    (void)fixture.changes();
    const int smallest = 1;
    REQUIRE(::setsockopt(fixture.monitor.fd(), SOL_SOCKET, SO_RCVBUF, &smallest, sizeof smallest) == 0);
    for (int i = 1; i < 60; ++i)
        fixture.ns.must({"ip", "neigh", "add", "192.0.2." + std::to_string(i + 10), "lladdr",
                         "02:00:00:00:00:09", "dev", "eth0"});
    CHECK(fixture.changes().overrun);
    CHECK(fixture.monitor.overruns() >= 1);
    fixture.ns.must({"ip", "rule", "add", "priority", "500", "lookup", "77"});
    const auto change = fixture.changes();
    CHECK(change.rules);
    CHECK_FALSE(change.overrun);
}
