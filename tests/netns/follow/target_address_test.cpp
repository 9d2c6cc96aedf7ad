// A target id that is given to another appliance.

#include <catch2/catch.hpp>

#include "tests/harness/skip.h"
#include "tests/netns/testbed/backlog.h"
#include "tests/netns/testbed/frames.h"
#include "tests/netns/testbed/testbeds.h"

using namespace glb::test;
using namespace std::chrono_literals;

namespace {

struct Fixture {
    explicit Fixture(unsigned appliances = 2)
        : testbed({.appliances = appliances}), echo(testbed.server, 7000), udp(testbed.server, 7001),
          glbd(testbed.node) {}

    /// The rows of `id`, the configured one first.
    std::vector<json> rows(const std::string &id) const {
        std::vector<json> found;
        const auto document = glbd.must_ctl({"targets"});
        for (const auto &row : document.at("targets"))
            if (row.at("id") == id)
                found.push_back(row);
        return found;
    }
    std::uint64_t back(const std::string &id, const std::string &address) const {
        for (const auto &row : rows(id))
            if (row.at("address") == address)
                return row.at("packetsBack").get<std::uint64_t>();
        return 0;
    }

    TwoArm testbed;
    TcpServer echo;
    UdpEcho udp;
    Daemon glbd;
};

json with_addresses(json manifest, const std::vector<std::string> &addresses) {
    auto &targets = manifest["targetGroups"][0]["targets"];
    while (targets.size() > addresses.size())
        targets.erase(targets.size() - 1);
    for (std::size_t i = 0; i < addresses.size(); ++i)
        targets[i]["address"] = addresses[i];
    return manifest;
}

} // namespace

TEST_CASE("target address: flows stay at the previous appliance of an id, also across a restart") {
    need_root();
    Fixture it;
    const std::string first = "10.1.0.11", second = "10.1.0.12";
    it.glbd.start(with_addresses(it.testbed.manifest(), {first}));
    REQUIRE(it.glbd.wait_healthy(1));
    const LongBacklog backlog;
    UdpStream stream(it.testbed.client, TwoArm::server_address, 7001, 1000);
    REQUIRE(eventually(10s, [&] { return stream.echoed() >= 200; }));

    const auto applied = it.glbd.apply(with_addresses(it.testbed.manifest(), {second}));
    INFO(applied.text << it.glbd.log());
    REQUIRE(applied.code == 0);
    auto rows = it.rows("fw-1");
    REQUIRE(rows.size() == 2);
    CHECK(rows[0].at("address") == second);
    CHECK(rows[1].at("address") == first);
    CHECK(rows[1].at("state") == "draining");
    REQUIRE(it.glbd.wait_healthy(1));
    CHECK(tcp_works(it.testbed.client, TwoArm::server_address, 7000, 10s));
    CHECK(it.back("fw-1", second) >= 3);

    const auto drained = it.glbd.ctl({"drain", "firewalls/fw-1", "--force"}); // the configured one
    CHECK(drained.code == 0);
    CHECK(it.rows("fw-1")[0].at("drainedByOperator") == true);
    CHECK(it.rows("fw-1")[1].at("drainedByOperator") == false);
    REQUIRE(it.glbd.ctl({"undrain", "firewalls/fw-1"}).code == 0);

    it.glbd.kill9();
    it.glbd.start();
    rows = it.rows("fw-1");
    REQUIRE(rows.size() == 2);
    CHECK(rows[0].at("address") == second);
    CHECK(rows[1].at("address") == first);
    CHECK(rows[1].at("state") == "draining");
    const auto back = it.back("fw-1", first);
    const auto sent = stream.sent();
    REQUIRE(eventually(10s, [&] { return stream.sent() >= sent + 500; }));
    CHECK(it.back("fw-1", first) >= back + 400);
    const auto tally = stream.finish();
    CHECK(tally.lost() == 0);
}

TEST_CASE("target address: after an exchange of two addresses, flows stay at their appliance") {
    need_root();
    Fixture it;
    const std::string first = "10.1.0.11", second = "10.1.0.12";
    it.glbd.start(with_addresses(it.testbed.manifest(), {first, second}));
    REQUIRE(it.glbd.wait_healthy(2));
    const LongBacklog backlog;
    UdpStream stream(it.testbed.client, TwoArm::server_address, 7001, 1000);
    REQUIRE(eventually(10s, [&] { return stream.echoed() >= 200; }));
    const bool at_first = it.back("fw-1", first) > it.back("fw-2", second);
    REQUIRE(it.glbd.apply(with_addresses(it.testbed.manifest(), {second, first})).code == 0);
    REQUIRE(it.glbd.wait_healthy(2));
    CHECK(tcp_works(it.testbed.client, TwoArm::server_address, 7000, 10s));
    const auto previous_back = [&] { return at_first ? it.back("fw-1", first) : it.back("fw-2", second); };
    const auto before = previous_back();
    const auto sent = stream.sent();
    REQUIRE(eventually(10s, [&] { return stream.sent() >= sent + 500; }));
    INFO(it.glbd.log());
    CHECK(previous_back() >= before + 400);
    CHECK(stream.finish().lost() == 0);
    CHECK(it.glbd.drop("wrong_target") == 0);
}
