// Two tenants with equal addresses: what is punted for one of them never arrives at the other one's server, with and
// without glbd, whatever part of the guard is removed or undone by another program.
#include <catch2/catch.hpp>

#include "tests/harness/packet.h"
#include "tests/harness/skip.h"
#include "tests/netns/guard/tcx.h"
#include "tests/netns/testbed/frames.h"
#include "tests/netns/testbed/scenario.h"
#include "tests/netns/testbed/testbeds.h"

using namespace glb::test;
using namespace std::chrono_literals;

namespace {

constexpr auto table = "77";

/// The endpoint's packets take table 77. The main table leads to the server of another tenant, behind oth0, with the
/// same address. Packets above the MTU of srv0 are punted.
struct Tenants {
    Tenants() : glbd(testbed.node), other("other") {
        const auto &node = testbed.node;
        node.must({"ip", "route", "add", "198.51.100.0/24", "dev", "srv0", "table", table});
        node.must({"ip", "route", "add", "192.0.2.0/24", "dev", "cli0", "table", table});
        veth(node, "oth0", other, "eth0");
        other.address("eth0", fmt::format("{}/24", TwoArm::server_address));
        node.must({"ip", "address", "add", "10.9.0.1/32", "dev", "oth0"});
        node.must({"ip", "route", "add", TwoArm::server_address, "dev", "oth0"});
        node.must({"ip", "link", "set", "srv0", "mtu", "1400"});
        testbed.server.must({"ip", "link", "set", "eth0", "mtu", "1400"});
        auto manifest = testbed.manifest();
        manifest["endpoints"][0]["routeTable"] = 77;
        glbd.start(manifest);
        if (!glbd.wait_healthy(1))
            throw std::runtime_error(glbd.log());
        (void)arrivals(1); // resolves the neighbour
    }

    struct Arrived {
        std::size_t own = 0, other = 0;
    };
    /// Sends `packets` packets that are punted. Waits until all have arrived, or for 300 ms.
    [[nodiscard]] Arrived arrivals(unsigned packets = 20) {
        Sniffer at_own(testbed.server, "eth0"), at_other(other, "eth0");
        const auto text = fmt::format("inspected {} ", ++sent);
        const Eth eth{.dst = mac_of(testbed.node, "cli0"), .src = mac_of(testbed.client, "eth0")};
        for (unsigned i = 0; i < packets; ++i)
            send_frames(testbed.client, "eth0",
                        {eth / IPv4{.src = TwoArm::client_address, .dst = TwoArm::server_address} /
                         Udp{.dport = 7001} / Payload(text + std::string(1430, 'x'))});
        Arrived arrived;
        (void)eventually(300ms, [&] {
            arrived = {count(at_own, text), count(at_other, text)};
            return arrived.own >= packets;
        });
        figures.sent += packets;
        figures.lost += arrived.other;
        return arrived;
    }
    /// Of all packets until now.
    void record(const std::string &scenario) const { record_scenario(scenario, figures); }
    static std::size_t count(Sniffer &sniffer, const std::string &text) {
        std::size_t found = 0;
        for (const auto &frame : sniffer.frames())
            found += !frame.outgoing && // an ICMP error quotes the packet
                     std::string(frame.bytes.begin(), frame.bytes.end()).find(text) != std::string::npos;
        return found;
    }
    [[nodiscard]] bool is_degraded_by(const std::string &what, const std::string &severity) const {
        const auto status = glbd.must_ctl({"status"});
        for (const auto &row : status.at("degraded"))
            if (row.at("what") == what && row.at("severity") == severity)
                return true;
        return false;
    }

    TwoArm testbed;
    Daemon glbd;
    Namespace other;
    unsigned sent = 0;
    ScenarioFigures figures{.outcome = "at the other tenant's server"};
};

using Commands = std::vector<std::vector<std::string>>;

const std::vector<Commands> damages = {
    {{"tc", "qdisc", "del", "dev", "under0", "clsact"}},
    {{"ip", "rule", "flush"}, {"ip", "rule", "add", "lookup", "main", "priority", "32766"}},
    {{"nft", "flush", "ruleset"}},
};

const std::vector<std::string> clear_marks = {
    "nft", "add table inet host; add chain inet host pre { type filter hook prerouting priority mangle; }; "
           "add rule inet host pre meta mark set 0"};

} // namespace

TEST_CASE(
    "tenants: running glbd restores what is removed, tells for how long it was missing, and none is misled") {
    need_root();
    Tenants tenants;
    REQUIRE(tenants.arrivals().own == 20);
    for (const auto &damage : damages) {
        CAPTURE(damage[0]);
        const auto restored = tenants.glbd.must_ctl({"guard"}).at("restored").get<std::uint64_t>();
        for (const auto &command : damage)
            tenants.testbed.node.must(command);
        CHECK(tenants.arrivals().other == 0);
        CHECK(eventually(900ms, [&] { return tenants.glbd.must_ctl({"guard"}).at("restored") > restored; }));
        CHECK(eventually(5s, [&] { return tenants.arrivals().own == 20; }));
    }
    CHECK(tenants.is_degraded_by("guard-restored", "warning"));
    CHECK(tenants.glbd.log().find("guard: restored: tc filter on under0 (missing for at most ") !=
          std::string::npos);

    tenants.testbed.node.must(clear_marks);
    const auto uninspected = tenants.glbd.uninspected();
    const auto arrived = tenants.arrivals();
    CHECK(arrived.own + arrived.other == 0);
    CHECK(tenants.glbd.uninspected() >= uninspected + 20);
    CHECK(eventually(5s, [&] { return tenants.is_degraded_by("foreign-mark", "warning"); }));
    tenants.record("parts of the guard removed, marks cleared");
}

TEST_CASE("tenants: a tcx program before the guard's filter misleads none, and is an error of the node") {
    need_root();
    Tenants tenants;
    REQUIRE(tenants.arrivals().own == 20);
    const auto foreign = TcxProgram::attach(tenants.testbed.node, "under0", TcxCode::pass);
    if (!foreign) {
        WARN("this kernel has no tcx");
        return;
    }
    const auto arrived = tenants.arrivals();
    CHECK(arrived.own + arrived.other == 0);
    CHECK(eventually(2s, [&] { return tenants.is_degraded_by("foreign-tcx", "error"); }));
    tenants.record("a tcx program before the guard's filter");
}

TEST_CASE("tenants: without glbd none is misled, whatever is removed") {
    need_root();
    Tenants tenants;
    REQUIRE(tenants.arrivals().own == 20);
    tenants.glbd.kill9();
    REQUIRE(tenants.arrivals().own == 20);
    SECTION("filter, rules or tables") {
        const auto damage = GENERATE(from_range(damages));
        CAPTURE(damage[0]);
        for (const auto &command : damage)
            tenants.testbed.node.must(command);
        CHECK(tenants.arrivals().other == 0);
        tenants.record("without glbd, " + damage[0][0] + " objects removed");
    }
    SECTION("a mark is cleared") {
        tenants.testbed.node.must(clear_marks);
        CHECK(tenants.arrivals().other == 0);
        tenants.record("without glbd, marks cleared");
    }
    SECTION("a mark is cleared while the guard's table is missing") {
        tenants.testbed.node.must({"nft", "flush", "ruleset"});
        tenants.testbed.node.must(clear_marks);
        CHECK(tenants.arrivals().other == 0);
    }
    SECTION("a tcx program before the guard's filter, where packets are punted or enter again") {
        const std::string device = GENERATE("under0", "cli0");
        CAPTURE(device);
        auto foreign = TcxProgram::attach(tenants.testbed.node, device, TcxCode::pass);
        if (!foreign) {
            WARN("this kernel has no tcx");
            return;
        }
        const auto arrived = tenants.arrivals();
        CHECK(arrived.own + arrived.other == 0);
        foreign.reset();
        CHECK(tenants.arrivals().own == 20);
    }
}
