// An endpoint on one VLAN of an interface, next to other traffic on the same interface.
#include <catch2/catch.hpp>

#include "tests/harness/skip.h"
#include "tests/netns/testbed/capture.h"
#include "tests/netns/testbed/tagger.h"
#include "tests/netns/testbed/testbeds.h"

using namespace glb::test;
using namespace std::chrono_literals;

namespace {

constexpr std::uint16_t endpoint_vlan = 100, other_vlan = 200;

/// Client and server have three IPv4 addresses each: in the endpoint's VLAN, in a VLAN that the node's kernel
/// routes, and untagged. IPv6 is in the endpoint's VLAN.
struct Fixture {
    static constexpr auto tagged_client = TwoArm::client_address, tagged_server = TwoArm::server_address,
                          other_client = "192.0.2.77", other_server = "198.51.100.77",
                          plain_client = "192.0.2.78", plain_server = "198.51.100.78";

    Fixture() : glbd(testbed.node) {
        for (const std::string end : {"77/24", "78/24"}) {
            testbed.client.address("eth0", "192.0.2." + end);
            testbed.server.address("eth0", "198.51.100." + end);
        }
        client_tags.emplace(
            testbed.client, "eth0", endpoint_vlan,
            std::map<std::string, std::uint16_t>{{other_client, other_vlan}, {plain_client, 0}});
        server_tags.emplace(
            testbed.server, "eth0", endpoint_vlan,
            std::map<std::string, std::uint16_t>{{other_server, other_vlan}, {plain_server, 0}});
        auto manifest = testbed.manifest();
        manifest["endpoints"][0]["interfaces"] =
            json::parse(R"([{"name": "cli0", "vlan": 100}, {"name": "srv0", "vlan": 100}])");
        glbd.start(manifest);
        if (!glbd.wait_healthy(1))
            throw std::runtime_error("target not healthy: " + glbd.log());
        for (const std::string device : {"cli0", "srv0"})
            remove_tags(testbed.node, device);
    }

    /// True if a TCP connection is established and echoes.
    [[nodiscard]] bool works(const std::string &source, const std::string &destination,
                             milliseconds timeout = 5s) {
        TcpFlows flow(testbed.client);
        return flow.open({{source, destination, port_++, 7000}}, timeout) == 1 && flow.exchange(timeout) == 1;
    }

    TwoArm testbed;
    std::optional<Tagger> client_tags, server_tags;
    Daemon glbd;

  private:
    std::uint16_t port_ = 40000;
};

std::string download(const Fixture &fixture, const std::string &source, const std::string &url) {
    const auto result =
        fixture.testbed.client.run({"curl", "-sS", "--interface", source, "--max-time", "20", "-o",
                                    (fixture.glbd.folder() / "download").string(), url});
    if (result.code != 0)
        return result.output;
    return fixture.testbed.client.must({"sha256sum", (fixture.glbd.folder() / "download").string()})
        .substr(0, 64);
}

} // namespace

TEST_CASE("VLAN: the endpoint's VLAN is inspected, another VLAN and untagged traffic are routed unmodified") {
    need_root();
    Fixture fixture;
    const Nginx nginx(fixture.testbed.server, {"80", "[::]:80"}, 5'000'000);
    const TcpServer echo(fixture.testbed.server, 7000);
    INFO(fixture.glbd.log());
    CHECK(download(fixture, Fixture::tagged_client, "http://198.51.100.20/file") == nginx.sha256());
    CHECK(download(fixture, "2001:db8:1::10", "http://[2001:db8:2::20]/file") == nginx.sha256());
    // Both connections are closed, so that no packet of them follows later.
    REQUIRE(eventually(10s, [&] {
        const auto flows = fixture.glbd.flows({"--protocol", "tcp"});
        return flows.size() == 2 && flows[0].at("state") == "closed" && flows[1].at("state") == "closed";
    }));
    wait_until_idle([&] { return fixture.glbd.counter("encapsulated"); });

    Capture capture(fixture.testbed.appliances.front()->ns());
    const auto encapsulated = fixture.glbd.counter("encapsulated"),
               other = fixture.glbd.counter("passed_other");
    CHECK(download(fixture, Fixture::other_client, "http://198.51.100.77/file") == nginx.sha256());
    CHECK(download(fixture, Fixture::plain_client, "http://198.51.100.78/file") == nginx.sha256());
    CHECK(fixture.works(Fixture::other_client, Fixture::other_server));
    CHECK(fixture.works(Fixture::plain_client, Fixture::plain_server));
    CHECK(capture.flows().empty());
    CHECK(fixture.glbd.counter("encapsulated") == encapsulated);
    CHECK(fixture.glbd.counter("passed_other") > other + 2000);
    CHECK(fixture.glbd.uninspected() == 0);
    CHECK(checksum_errors(fixture.testbed.client) + checksum_errors(fixture.testbed.server) == 0);
}

TEST_CASE("VLAN: without an attached program the guard drops only the endpoint's tag") {
    need_root();
    Fixture fixture;
    const TcpServer echo(fixture.testbed.server, 7000);
    REQUIRE(fixture.works(Fixture::tagged_client, Fixture::tagged_server));
    TcpFlows unfiltered(fixture.testbed.client);
    REQUIRE(unfiltered.open({{Fixture::other_client, Fixture::other_server, 50001, 7000},
                             {Fixture::plain_client, Fixture::plain_server, 50002, 7000}}) == 2);
    REQUIRE(unfiltered.exchange() == 2);

    fixture.glbd.kill9();
    fixture.glbd.force_detach(fixture.testbed.devices);
    CHECK(unfiltered.exchange(5s) == 2);
    CHECK(fixture.works(Fixture::other_client, Fixture::other_server));
    CHECK(fixture.works(Fixture::plain_client, Fixture::plain_server));
    CHECK_FALSE(fixture.works(Fixture::tagged_client, Fixture::tagged_server, 700ms));

    // Control: without the guard the kernel routes it, so the guard dropped it, not a missing VLAN device.
    for (const std::string device : {"cli0", "srv0"})
        fixture.testbed.node.must({"tc", "filter", "del", "dev", device, "ingress", "pref", "1"});
    CHECK(fixture.works(Fixture::tagged_client, Fixture::tagged_server));
}
