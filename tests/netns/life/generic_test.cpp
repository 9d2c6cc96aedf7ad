// Generic XDP: the attach mode, traffic, and the offloads that must be off.
#include <algorithm>
#include <sstream>

#include <catch2/catch.hpp>

#include "tests/harness/skip.h"
#include "tests/netns/testbed/testbeds.h"

using namespace glb::test;
using namespace std::chrono_literals;

namespace {

/// Interfaces with GRO on, like those of a network card. veth has neither LRO nor VLAN receive offload.
struct Fixture {
    Fixture() {
        for (const auto &device : testbed.devices)
            testbed.node.must({"ethtool", "-K", device, "gro", "on"});
    }
    [[nodiscard]] json manifest(const std::string &mode) const {
        auto manifest = testbed.manifest();
        manifest["node"]["xdpMode"] = mode;
        return manifest;
    }
    /// Names of the receive offloads that are on, as ethtool prints them.
    [[nodiscard]] std::string features(const std::string &device) const {
        std::string on;
        std::istringstream lines(testbed.node.must({"ethtool", "-k", device}));
        for (std::string line; std::getline(lines, line);)
            for (const std::string name :
                 {"generic-receive-offload", "large-receive-offload", "rx-vlan-offload"})
                if (line.starts_with(name + ": on"))
                    on += name + " ";
        return on;
    }
    [[nodiscard]] std::string all_features() const {
        std::string all;
        for (const auto &device : testbed.devices)
            all += device + ": " + features(device) + "\n";
        return all;
    }
    [[nodiscard]] bool has_gro(const std::string &device) const {
        return features(device).find("generic-receive-offload") != std::string::npos;
    }
    /// True if every device has a program in this mode, in the terms of `ip link`: "xdp" or "xdpgeneric".
    [[nodiscard]] bool runs(const std::string &mode) const {
        return std::all_of(testbed.devices.begin(), testbed.devices.end(), [&](const std::string &device) {
            return testbed.node.must({"ip", "-d", "link", "show", device}).find(" " + mode + " ") !=
                   std::string::npos;
        });
    }
    /// Connections over both IP versions, and five megabytes in segments that GRO would merge.
    [[nodiscard]] bool passes() const {
        TcpFlows flows(testbed.client);
        return flows.open(random_flows(20, 7000, seed_++)) == 20 && flows.exchange() == 20 &&
               http_get(testbed.client, "http://198.51.100.20/file").sha256 == nginx.sha256() &&
               http_get(testbed.client, "http://[2001:db8:2::20]/file").sha256 == nginx.sha256();
    }
    TwoArm testbed;
    TcpServer echo{testbed.server, 7000};
    Nginx nginx{testbed.server, {"80", "[::]:80"}, 5'000'000};

  private:
    mutable std::uint32_t seed_ = 1;
};

} // namespace

TEST_CASE("generic XDP: TCP passes, GRO and LRO are off, and 'down' restores them") {
    need_root();
    const Fixture fixture;
    const auto before = fixture.all_features();
    REQUIRE(fixture.has_gro("cli0"));
    Daemon glbd(fixture.testbed.node);
    glbd.start(fixture.manifest("generic"));
    REQUIRE(glbd.wait_healthy(1));
    INFO(glbd.log());
    CHECK(fixture.runs("xdpgeneric"));
    const auto rows = glbd.must_ctl({"status"}).at("interfaces");
    for (const auto &row : rows)
        CHECK(row.at("mode") == "generic");
    for (const auto &device : fixture.testbed.devices)
        CHECK(fixture.features(device).find("receive-offload") == std::string::npos);
    CHECK(fixture.passes());
    CHECK(glbd.counter("encapsulated") > 100);
    CHECK(glbd.uninspected() == 0);

    // The saved offloads survive a restart of the daemon.
    glbd.kill9();
    glbd.start();
    REQUIRE(eventually(10s, [&] { return glbd.must_ctl({"status"}).at("ready") == true; }));
    CHECK(fixture.runs("xdpgeneric"));
    CHECK_FALSE(fixture.has_gro("srv0"));
    REQUIRE(glbd.ctl({"down", "--yes"}).code == 0);
    CHECK_FALSE(fixture.runs("xdpgeneric"));
    CHECK(fixture.all_features() == before);
}

TEST_CASE("generic XDP: a mode change sets the offloads that the new mode supports") {
    need_root();
    const Fixture fixture;
    const auto before = fixture.all_features();
    Daemon glbd(fixture.testbed.node);
    glbd.start(fixture.manifest("native"));
    REQUIRE(glbd.wait_healthy(1));
    const auto native = fixture.all_features();
    CHECK(fixture.has_gro("cli0")); // native mode does not require GRO to be off
    for (int round = 0; round < 2; round++) {
        REQUIRE(glbd.apply(fixture.manifest("generic")).code == 0);
        CHECK(fixture.runs("xdpgeneric"));
        CHECK_FALSE(fixture.has_gro("cli0"));
        CHECK(fixture.passes());
        REQUIRE(glbd.apply(fixture.manifest("native")).code == 0);
        INFO(glbd.log());
        CHECK(fixture.runs("xdp"));
        CHECK(fixture.all_features() == native);
        CHECK(fixture.passes());
    }
    // An interface removed from the manifest gets its offloads back.
    REQUIRE(glbd.apply(fixture.manifest("generic")).code == 0);
    auto fewer = fixture.manifest("generic");
    fewer["endpoints"][0]["interfaces"] = {"cli0"};
    REQUIRE(glbd.apply(fewer).code == 0);
    CHECK(eventually(5s, [&] { return fixture.has_gro("srv0"); }));
    CHECK_FALSE(fixture.has_gro("cli0"));
    REQUIRE(glbd.ctl({"down", "--yes"}).code == 0);
    CHECK(fixture.all_features() == before);
}
