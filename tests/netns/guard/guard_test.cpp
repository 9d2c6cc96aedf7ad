// The guard before any data path: what the kernel would route past the appliances is dropped, whatever of the
// guard somebody takes away.
#include <catch2/catch.hpp>

#include "controller/guard/guard.h"
#include "tests/harness/netns.h"
#include "tests/harness/skip.h"
#include "tests/harness/traffic.h"

using namespace glb;
using namespace glb::guard;
using namespace glb::test;

namespace {

// client - node - server, both versions, the node forwards.
struct Router {
    Router() : client("grd-cli"), node("grd-node"), server("grd-srv") {
        wire_client();
        veth(node, "srv0", server, "eth0");
        node.address("srv0", "198.51.100.1/24");
        node.address("srv0", "2001:db8:2::1/64");
        server.address("eth0", "198.51.100.2/24");
        server.address("eth0", "2001:db8:2::2/64");
        server.route("default", "198.51.100.1");
        server.route("default", "2001:db8:2::1");
        node.sysctl("net/ipv4/ip_forward", "1");
        node.sysctl("net/ipv6/conf/all/forwarding", "1");
    }
    void wire_client() const {
        veth(node, "cli0", client, "eth0");
        node.address("cli0", "192.0.2.1/24");
        node.address("cli0", "2001:db8:1::1/64");
        client.address("eth0", "192.0.2.2/24");
        client.address("eth0", "2001:db8:1::2/64");
        client.route("default", "192.0.2.1");
        client.route("default", "2001:db8:1::1");
    }
    [[nodiscard]] bool ping(const std::string &address) const {
        return client.run({"ping", "-n", "-c", "1", "-W", "1", address}).code == 0;
    }
    [[nodiscard]] bool passes() const { return ping("198.51.100.2") || ping("2001:db8:2::2"); }

    [[nodiscard]] GuardPlan plan(WhenDetached when = WhenDetached::drop) const {
        GuardPlan plan;
        for (const std::string name : {"cli0", "srv0"}) {
            GuardPort port;
            port.interface = port.device = name;
            port.ifindex = node.ifindex(name);
            port.endpoint = 0;
            port.endpoint_name = "web";
            port.when_detached = when;
            plan.ports.push_back(port);
        }
        return plan;
    }
    [[nodiscard]] std::string all_that_is() const {
        return node.must({"nft", "list", "ruleset"}) + node.must({"ip", "rule"}) + node.must({"ip", "-6", "rule"}) +
               node.must({"tc", "qdisc", "show"}) + node.must({"tc", "filter", "show", "dev", "cli0", "ingress"}) +
               node.must({"sysctl", "net.ipv4.conf.cli0", "net.ipv4.fwmark_reflect", "net.ipv6.fwmark_reflect"});
    }

    Namespace client, node, server;
    Bpffs bpffs;
    TempFolder folder;
    GuardPaths paths{bpffs.path() / "guard", folder.path() / "guard.json"};
};

// Catch2 is not for other threads: what fails there is thrown.
template <typename T>
T must(Result<T> result) {
    if (!result)
        throw std::runtime_error(result.error().message);
    if constexpr (!std::is_void_v<T>)
        return std::move(*result);
}

struct InNode {
    explicit InNode(const Router &router)
        : router_(router), guard_(router.node.call([&] { return must(Guard::open(router.paths)); })) {}
    void install(const GuardPlan &plan) {
        router_.node.call([&] { must(guard_.install(plan)); });
    }
    GuardReport check() {
        return router_.node.call([&] { return must(guard_.check_and_repair()); });
    }
    std::uint64_t uninspected() {
        return router_.node.call([&] { return must(guard_.uninspected()).packets; });
    }
    void remove() {
        router_.node.call([&] { must(guard_.remove()); });
    }

  private:
    const Router &router_;
    Guard guard_;
};

} // namespace

TEST_CASE("guard: nothing is forwarded, it is counted, the node itself answers, and remove() leaves nothing") {
    need_root();
    const Router router;
    REQUIRE(router.ping("198.51.100.2"));
    REQUIRE(router.ping("2001:db8:2::2"));
    const auto before = router.all_that_is();
    InNode guard(router);
    guard.install(router.plan());
    CHECK_FALSE(router.passes());
    CHECK(guard.uninspected() >= 2);
    CHECK(router.ping("192.0.2.1"));
    CHECK(router.ping("2001:db8:1::1"));
    const Nginx nginx(router.node, {"80"}, 1000);
    CHECK(http_get(router.client, "http://192.0.2.1/file").code == 200);
    CHECK(guard.check().repaired.empty());
    guard.remove();
    CHECK(router.all_that_is() == before);
    CHECK(router.ping("198.51.100.2"));
    CHECK_FALSE(std::filesystem::exists(router.paths.state));
}

TEST_CASE("guard: after nft flush ruleset the routing rules hold, and the table comes back with its count") {
    need_root();
    const Router router;
    InNode guard(router);
    guard.install(router.plan());
    CHECK_FALSE(router.passes());
    CHECK(guard.check().repaired.empty());
    const auto counted = guard.uninspected();
    REQUIRE(counted >= 2);
    router.node.must({"nft", "flush", "ruleset"});
    CHECK_FALSE(router.passes());
    CHECK(guard.uninspected() == counted);
    CHECK(guard.check().repaired == std::vector<std::string>{"nftables table inet glb"});
    CHECK_FALSE(router.passes());
    CHECK(guard.uninspected() > counted);
}

TEST_CASE("guard: an interface that was deleted and came back is guarded by name, then by filter") {
    need_root();
    const Router router;
    InNode guard(router);
    guard.install(router.plan());
    router.node.must({"ip", "link", "del", "cli0"});
    router.wire_client();
    CHECK(router.ping("192.0.2.1"));
    CHECK_FALSE(router.passes());
    const auto report = guard.check();
    CHECK(std::count(report.repaired.begin(), report.repaired.end(), "tc filter on cli0") == 1);
    router.node.must({"nft", "flush", "ruleset"});
    CHECK_FALSE(router.passes());
}

TEST_CASE("guard: each part that is taken away comes back") {
    need_root();
    const Router router;
    InNode guard(router);
    guard.install(router.plan());
    router.node.must({"ip", "rule", "del", "priority", "100", "iif", "cli0"});
    router.node.must({"tc", "qdisc", "del", "dev", "srv0", "clsact"});
    router.node.sysctl("net/ipv4/conf/cli0/rp_filter", "1");
    CHECK(guard.check().repaired.size() == 3);
    CHECK(guard.check().repaired.empty());
    CHECK_FALSE(router.passes());
}

TEST_CASE("guard: whenDetached pass leaves traffic alone") {
    need_root();
    const Router router;
    InNode guard(router);
    guard.install(router.plan());
    CHECK_FALSE(router.passes());
    guard.install(router.plan(WhenDetached::pass));
    CHECK(router.ping("198.51.100.2"));
    CHECK(router.ping("2001:db8:2::2"));
}

TEST_CASE("guard: a second one takes over the filters' maps and the count") {
    need_root();
    const Router router;
    const auto before = router.all_that_is();
    std::uint64_t counted = 0;
    {
        InNode first(router);
        first.install(router.plan());
        CHECK_FALSE(router.passes());
        counted = first.uninspected();
    }
    CHECK_FALSE(router.passes());
    InNode second(router);
    second.install(router.plan());
    CHECK(second.uninspected() > counted);
    CHECK(second.check().repaired.empty());
    CHECK_FALSE(router.passes());
    second.remove();
    CHECK(router.all_that_is() == before);
}
