// Generic XDP, where it is asked for: the mode, the traffic, and the offloads that it does not bear.
#include <algorithm>
#include <sstream>

#include <catch2/catch.hpp>

#include "tests/harness/skip.h"
#include "tests/netns/testbed/testbeds.h"

using namespace glb::test;
using namespace std::chrono_literals;

namespace {

/// A world whose interfaces have GRO on, as a network card has, and LRO and VLAN offload where the driver
/// knows them.
struct Offloading {
    Offloading() {
        for (const auto &device : world.devices)
            world.node.must({"ethtool", "-K", device, "gro", "on"});
    }
    [[nodiscard]] json manifest(const std::string &mode) const {
        auto manifest = world.manifest();
        manifest["node"]["xdpMode"] = mode;
        return manifest;
    }
    /// Which of `what` is on: one line a device, as ethtool tells it.
    [[nodiscard]] std::string features(const std::string &device) const {
        std::string on;
        std::istringstream lines(world.node.must({"ethtool", "-k", device}));
        for (std::string line; std::getline(lines, line);)
            for (const std::string what :
                 {"generic-receive-offload", "large-receive-offload", "rx-vlan-offload"})
                if (line.starts_with(what + ": on"))
                    on += what + " ";
        return on;
    }
    [[nodiscard]] std::string all_features() const {
        std::string all;
        for (const auto &device : world.devices)
            all += device + ": " + features(device) + "\n";
        return all;
    }
    [[nodiscard]] bool has_gro(const std::string &device) const {
        return features(device).find("generic-receive-offload") != std::string::npos;
    }
    /// True where every device carries a program in this mode, as `ip link` calls it: "xdp" or "xdpgeneric".
    [[nodiscard]] bool runs(const std::string &mode) const {
        return std::all_of(world.devices.begin(), world.devices.end(), [&](const std::string &device) {
            return world.node.must({"ip", "-d", "link", "show", device}).find(" " + mode + " ") !=
                   std::string::npos;
        });
    }
    /// Connections of both IP versions, and five megabytes in segments that GRO would merge.
    [[nodiscard]] bool passes() const {
        TcpFlows flows(world.client);
        return flows.open(random_flows(20, 7000, seed_++)) == 20 && flows.exchange() == 20 &&
               http_get(world.client, "http://198.51.100.20/file").sha256 == nginx.sha256() &&
               http_get(world.client, "http://[2001:db8:2::20]/file").sha256 == nginx.sha256();
    }
    TwoArm world;
    TcpServer echo{world.server, 7000};
    Nginx nginx{world.server, {"80", "[::]:80"}, 5'000'000};

  private:
    mutable std::uint32_t seed_ = 1;
};

} // namespace

TEST_CASE("generic: attached so, TCP passes, GRO and LRO are off meanwhile, and back with down") {
    need_root();
    const Offloading it;
    const auto before = it.all_features();
    REQUIRE(it.has_gro("cli0"));
    Daemon glbd(it.world.node);
    glbd.start(it.manifest("generic"));
    REQUIRE(glbd.wait_healthy(1));
    INFO(glbd.log());
    CHECK(it.runs("xdpgeneric"));
    const auto rows = glbd.must_ctl({"status"}).at("interfaces");
    for (const auto &row : rows)
        CHECK(row.at("mode") == "generic");
    for (const auto &device : it.world.devices)
        CHECK(it.features(device).find("receive-offload") == std::string::npos);
    CHECK(it.passes());
    CHECK(glbd.counter("encapsulated") > 100);
    CHECK(glbd.uninspected() == 0);

    // A daemon that was killed in between still knows what was on.
    glbd.kill9();
    glbd.start();
    REQUIRE(eventually(10s, [&] { return glbd.must_ctl({"status"}).at("ready") == true; }));
    CHECK(it.runs("xdpgeneric"));
    CHECK_FALSE(it.has_gro("srv0"));
    REQUIRE(glbd.ctl({"down", "--yes"}).code == 0);
    CHECK_FALSE(it.runs("xdpgeneric"));
    CHECK(it.all_features() == before);
}

TEST_CASE("generic: to native and back, each mode has the offloads that it bears") {
    need_root();
    const Offloading it;
    const auto before = it.all_features();
    Daemon glbd(it.world.node);
    glbd.start(it.manifest("native"));
    REQUIRE(glbd.wait_healthy(1));
    const auto native = it.all_features();
    CHECK(it.has_gro("cli0")); // native does without turning it off
    for (int round = 0; round < 2; round++) {
        REQUIRE(glbd.apply(it.manifest("generic")).code == 0);
        CHECK(it.runs("xdpgeneric"));
        CHECK_FALSE(it.has_gro("cli0"));
        CHECK(it.passes());
        REQUIRE(glbd.apply(it.manifest("native")).code == 0);
        INFO(glbd.log());
        CHECK(it.runs("xdp"));
        CHECK(it.all_features() == native);
        CHECK(it.passes());
    }
    // An interface that goes out of the manifest gets its own back too.
    REQUIRE(glbd.apply(it.manifest("generic")).code == 0);
    auto fewer = it.manifest("generic");
    fewer["endpoints"][0]["interfaces"] = {"cli0"};
    REQUIRE(glbd.apply(fewer).code == 0);
    CHECK(eventually(5s, [&] { return it.has_gro("srv0"); }));
    CHECK_FALSE(it.has_gro("cli0"));
    REQUIRE(glbd.ctl({"down", "--yes"}).code == 0);
    CHECK(it.all_features() == before);
}
