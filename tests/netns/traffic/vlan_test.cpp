// An endpoint on a VLAN of an interface, and the same interface's other traffic beside it.
#include <catch2/catch.hpp>

#include "tests/harness/skip.h"
#include "tests/netns/testbed/capture.h"
#include "tests/netns/testbed/tagger.h"
#include "tests/netns/testbed/testbeds.h"

using namespace glb::test;
using namespace std::chrono_literals;

namespace {

constexpr std::uint16_t endpoint_vlan = 100, other_vlan = 200;

/// Client and server have three addresses each: one in the endpoint's VLAN, one in a VLAN that the node's
/// kernel routes, one without a tag. IPv6 is in the endpoint's.
struct Vlans {
    static constexpr auto tagged_client = TwoArm::client_address, tagged_server = TwoArm::server_address,
                          other_client = "192.0.2.77", other_server = "198.51.100.77",
                          plain_client = "192.0.2.78", plain_server = "198.51.100.78";

    Vlans() : glbd(world.node) {
        for (const std::string end : {"77/24", "78/24"}) {
            world.client.address("eth0", "192.0.2." + end);
            world.server.address("eth0", "198.51.100." + end);
        }
        client_tags.emplace(
            world.client, "eth0", endpoint_vlan,
            std::map<std::string, std::uint16_t>{{other_client, other_vlan}, {plain_client, 0}});
        server_tags.emplace(
            world.server, "eth0", endpoint_vlan,
            std::map<std::string, std::uint16_t>{{other_server, other_vlan}, {plain_server, 0}});
        auto manifest = world.manifest();
        manifest["endpoints"][0]["interfaces"] =
            json::parse(R"([{"name": "cli0", "vlan": 100}, {"name": "srv0", "vlan": 100}])");
        glbd.start(manifest);
        if (!glbd.wait_healthy(1))
            throw std::runtime_error("not healthy: " + glbd.log());
        for (const std::string device : {"cli0", "srv0"})
            take_tags_off(world.node, device);
    }

    /// A TCP connection that echoes.
    [[nodiscard]] bool works(const std::string &source, const std::string &destination,
                             milliseconds timeout = 5s) {
        TcpFlows flow(world.client);
        return flow.open({{source, destination, port_++, 7000}}, timeout) == 1 && flow.exchange(timeout) == 1;
    }

    TwoArm world;
    std::optional<Tagger> client_tags, server_tags;
    Daemon glbd;

  private:
    std::uint16_t port_ = 40000;
};

std::string download(const Vlans &vlans, const std::string &source, const std::string &url) {
    const auto result = vlans.world.client.run({"curl", "-sS", "--interface", source, "--max-time", "20",
                                                "-o", (vlans.glbd.folder() / "download").string(), url});
    if (result.code != 0)
        return result.output;
    return vlans.world.client.must({"sha256sum", (vlans.glbd.folder() / "download").string()}).substr(0, 64);
}

} // namespace

TEST_CASE("vlan: the endpoint's VLAN is inspected; one routed beside it, and untagged traffic, stay whole") {
    need_root();
    Vlans vlans;
    const Nginx nginx(vlans.world.server, {"80", "[::]:80"}, 5'000'000);
    const TcpServer echo(vlans.world.server, 7000);
    INFO(vlans.glbd.log());
    CHECK(download(vlans, Vlans::tagged_client, "http://198.51.100.20/file") == nginx.sha256());
    CHECK(download(vlans, "2001:db8:1::10", "http://[2001:db8:2::20]/file") == nginx.sha256());
    // Both ends have closed, so that nothing of these comes late.
    REQUIRE(eventually(10s, [&] {
        const auto flows = vlans.glbd.flows({"--protocol", "tcp"});
        return flows.size() == 2 && flows[0].at("state") == "closed" && flows[1].at("state") == "closed";
    }));
    wait_for_rest([&] { return vlans.glbd.counter("encapsulated"); });

    Witness witness(vlans.world.appliances.front()->ns());
    const auto encapsulated = vlans.glbd.counter("encapsulated"), other = vlans.glbd.counter("passed_other");
    CHECK(download(vlans, Vlans::other_client, "http://198.51.100.77/file") == nginx.sha256());
    CHECK(download(vlans, Vlans::plain_client, "http://198.51.100.78/file") == nginx.sha256());
    CHECK(vlans.works(Vlans::other_client, Vlans::other_server));
    CHECK(vlans.works(Vlans::plain_client, Vlans::plain_server));
    CHECK(witness.seen().empty());
    CHECK(vlans.glbd.counter("encapsulated") == encapsulated);
    CHECK(vlans.glbd.counter("passed_other") > other + 2000);
    CHECK(vlans.glbd.uninspected() == 0);
    CHECK(checksum_errors(vlans.world.client) + checksum_errors(vlans.world.server) == 0);
}

TEST_CASE("vlan: with no program attached the guard stops the endpoint's tag only") {
    need_root();
    Vlans vlans;
    const TcpServer echo(vlans.world.server, 7000);
    REQUIRE(vlans.works(Vlans::tagged_client, Vlans::tagged_server));
    TcpFlows beside(vlans.world.client);
    REQUIRE(beside.open({{Vlans::other_client, Vlans::other_server, 50001, 7000},
                         {Vlans::plain_client, Vlans::plain_server, 50002, 7000}}) == 2);
    REQUIRE(beside.exchange() == 2);

    vlans.glbd.kill9();
    vlans.glbd.detach_by_hand(vlans.world.devices);
    CHECK(beside.exchange(5s) == 2);
    CHECK(vlans.works(Vlans::other_client, Vlans::other_server));
    CHECK(vlans.works(Vlans::plain_client, Vlans::plain_server));
    CHECK_FALSE(vlans.works(Vlans::tagged_client, Vlans::tagged_server, 700ms));

    // Without the guard the kernel would route it: it is the guard that stopped it, not a missing VLAN
    // device.
    for (const std::string device : {"cli0", "srv0"})
        vlans.world.node.must({"tc", "filter", "del", "dev", device, "ingress", "pref", "1"});
    CHECK(vlans.works(Vlans::tagged_client, Vlans::tagged_server));
}
