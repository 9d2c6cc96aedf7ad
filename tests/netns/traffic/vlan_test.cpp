// An endpoint on a VLAN of an interface, and the same interface's other traffic beside it.
#include <catch2/catch.hpp>

#include "tests/harness/skip.h"
#include "tests/netns/world/tagger.h"
#include "tests/netns/world/witness.h"
#include "tests/netns/world/worlds.h"

using namespace glb::test;
using namespace std::chrono_literals;

TEST_CASE("vlan: what has the endpoint's tag is inspected, what has none is routed by the kernel") {
    need_root();
    const TwoArm world;
    world.client.address("eth0", "192.0.2.77/24");
    const Tagger client_tags(world.client, "eth0", 100, "192.0.2.77");
    const Tagger server_tags(world.server, "eth0", 100, TwoArm::server_address);
    world.server.address("eth0", "198.51.100.21/24");
    const Nginx nginx(world.server, {"80", "[::]:80"}, 5'000'000);
    const TcpServer echo(world.server, 7000);

    auto manifest = world.manifest();
    manifest["endpoints"][0]["interfaces"] =
        json::parse(R"([{"name": "cli0", "vlan": 100}, {"name": "srv0", "vlan": 100}])");
    Daemon glbd(world.node);
    glbd.start(manifest);
    REQUIRE(glbd.wait_healthy(1));
    for (const std::string url : {"http://198.51.100.21/file", "http://[2001:db8:2::20]/file"}) {
        const auto answer = http_get(world.client, url);
        INFO(url << " " << answer.error << "\n" << glbd.log());
        CHECK(answer.sha256 == nginx.sha256());
    }
    CHECK(glbd.flows({"--protocol", "tcp"}).size() == 2);

    // Untagged both ways: of no endpoint.
    Witness witness(world.appliances.front()->ns());
    const auto before = glbd.counter("encapsulated");
    TcpFlows plain(world.client);
    CHECK(plain.open({{"192.0.2.77", TwoArm::server_address, 40002, 7000}}, 5s) == 1);
    CHECK(plain.exchange(5s) == 1);
    CHECK(witness.seen().empty());
    CHECK(glbd.counter("encapsulated") == before);
    CHECK(glbd.uninspected() == 0);
}

TEST_CASE("vlan: with no program attached the guard stops the endpoint's tag only") {
    need_root();
    const TwoArm world;
    const TcpServer echo(world.server, 7000);
    auto manifest = world.manifest();
    manifest["endpoints"][0]["interfaces"] =
        json::parse(R"([{"name": "cli0", "vlan": 100}, {"name": "srv0", "vlan": 100}])");
    Daemon glbd(world.node);
    glbd.start(manifest);
    CHECK(tcp_works(world.client, TwoArm::server_address, 7000));
    glbd.kill9();
    glbd.detach_by_hand(world.devices);
    CHECK(tcp_works(world.client, TwoArm::server_address, 7000));
}
