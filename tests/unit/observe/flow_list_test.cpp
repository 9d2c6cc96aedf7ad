// Flow listings: selection, limit and JSON of the rows.
#include <catch2/catch.hpp>

#include "controller/observe/flow_list.h"
#include "tests/unit/observe/fake_table.h"
#include "tests/unit/observe/list_flows.h"

using namespace glb;
using namespace glb::datapath;
using namespace glb::observe;
using namespace glb::test;

namespace {

const FlowNames names{.endpoints = {"lan", "branch"},
                      .targets = {{"firewalls", "fw-0"}, {}, {"firewalls", "fw-1"}, {"others", "fw-1"}}};

FlowQuery filter(const FlowQueryFields &fields) {
    const auto parsed = parse_flow_query(fields);
    REQUIRE(parsed);
    return *parsed;
}

FlowRow row_of(FakeTable &fake) {
    const auto row = fake.table.row(0);
    REQUIRE(row);
    return *row;
}

nlohmann::json flow_to_json(const FlowRow &row, std::uint32_t now) {
    return flow_document(row, names, now);
}

} // namespace

TEST_CASE("flow list: a flow has all documented members in JSON", "[flows]") {
    FakeTable fake(1);
    fake.put(0);
    fake.hot[0].meta = glb_meta_with_seen(fake.hot[0].meta, start + 30);
    fake.hot[0].count[0] = {12, 9000};
    fake.hot[0].count[3] = {11, 8000};
    CHECK(flow_to_json(row_of(fake), start + 50) == nlohmann::json::parse(R"({
        "endpoint": "branch", "protocol": "tcp", "source": "192.0.2.10:40000", "destination": "198.51.100.20:80",
        "targetGroup": "firewalls", "target": "fw-1", "state": "established", "cookie": "0x000000b3",
        "ageSeconds": 3, "idleSeconds": 1, "packetsOut": 12, "packetsBack": 11, "bytesOut": 9000,
        "bytesBack": 8000})"));
    CHECK(flow_to_json(row_of(fake), start - 1)["ageSeconds"] == 0);
}

TEST_CASE("flow list: IPv6 addresses with ports have brackets, other protocols have no ports", "[flows]") {
    FakeTable fake(1);
    fake.put(0);
    auto &cold = fake.cold[0];
    SECTION("IPv6") {
        cold.family = 6;
        ::inet_pton(AF_INET6, "2001:db8::1", cold.low);
        ::inet_pton(AF_INET6, "2001:db8::2", cold.high);
        const auto json = flow_to_json(row_of(fake), start);
        CHECK(json["source"] == "[2001:db8::1]:40000");
        CHECK(json["destination"] == "[2001:db8::2]:80");
        CHECK_FALSE(json.contains("identifier"));
    }
    SECTION("ICMP echo") {
        cold.ip_proto = IPPROTO_ICMP;
        cold.low_port = cold.high_port = htons(77);
        const auto json = flow_to_json(row_of(fake), start);
        CHECK(json["protocol"] == "icmp");
        CHECK(json["source"] == "192.0.2.10");
        CHECK(json["destination"] == "198.51.100.20");
        CHECK(json["identifier"] == 77);
    }
    SECTION("GRE") {
        cold.ip_proto = IPPROTO_GRE;
        const auto json = flow_to_json(row_of(fake), start);
        CHECK(json["source"] == "192.0.2.10");
        CHECK_FALSE(json.contains("identifier"));
    }
}

TEST_CASE("flow list: an index without a name is shown as #index", "[flows]") {
    FakeTable fake(1);
    fake.put(0);
    fake.cold[0].endpoint = 200;
    const auto index = GENERATE(1, 4000);
    fake.hot[0].meta = glb_meta_with_target(fake.hot[0].meta, static_cast<__u32>(index));
    const auto json = flow_to_json(row_of(fake), start);
    CHECK(json["endpoint"] == "#200");
    CHECK(json["target"] == "#" + std::to_string(index));
    CHECK(json["targetGroup"] == "#" + std::to_string(index));
}

TEST_CASE("flow query: a filter matches exactly the flows with its values", "[flows]") {
    FakeTable fake(1);
    fake.put(0);
    const auto row = row_of(fake);
    const auto passes = [&](const FlowQueryFields &fields) { return matches(filter(fields), row, names); };
    CHECK(passes({}));
    CHECK(passes({{"endpoint", "branch"}}));
    CHECK_FALSE(passes({{"endpoint", "lan"}}));
    CHECK(passes({{"target", "fw-1"}}));
    CHECK_FALSE(passes({{"target", "fw-0"}}));
    CHECK(passes({{"target", "firewalls/fw-1"}}));
    CHECK_FALSE(passes({{"target", "others/fw-1"}}));
    CHECK(passes({{"protocol", "tcp"}}));
    CHECK_FALSE(passes({{"protocol", "udp"}}));
    CHECK(passes({{"state", "established"}}));
    CHECK_FALSE(passes({{"state", "closed"}}));
    CHECK(passes({{"source", "192.0.2.10"}}));
    CHECK(passes({{"source", "192.0.2.0/24"}}));
    CHECK(passes({{"source", "192.0.2.10:40000"}}));
    CHECK_FALSE(passes({{"source", "192.0.2.10:40001"}}));
    CHECK_FALSE(passes({{"source", "198.51.100.20"}})); // the destination's address
    CHECK(passes({{"destination", "198.51.100.20:80"}}));
    CHECK_FALSE(passes({{"destination", "192.0.2.10"}}));
    CHECK_FALSE(passes({{"destination", "2001:db8::/32"}}));
    CHECK(passes({{"source", "192.0.2.0/24"}, {"destination", "198.51.100.20"}, {"protocol", "6"}}));
    CHECK_FALSE(passes({{"source", "192.0.2.0/24"}, {"destination", "198.51.100.21"}, {"protocol", "6"}}));
}

TEST_CASE("flow query: an ICMP echo identifier is not a port", "[flows]") {
    FakeTable fake(1);
    fake.put(0);
    fake.cold[0].ip_proto = IPPROTO_ICMP;
    fake.cold[0].low_port = fake.cold[0].high_port = htons(80);
    CHECK(matches(filter({{"destination", "198.51.100.20"}}), row_of(fake), names));
    CHECK_FALSE(matches(filter({{"destination", "198.51.100.20:80"}}), row_of(fake), names));
}

TEST_CASE("flow list: live flows are listed in table order up to the limit, and all are counted", "[flows]") {
    FakeTable fake(4096);
    for (const std::uint32_t slot : {7u, 70u, 700u, 4000u})
        fake.put(slot);
    fake.put(71, GLB_FLOW_NEW);
    const auto now = start + 30 * second; // the new flow has expired

    const auto list = [&](const FlowQuery &wanted) {
        return nlohmann::json(list_flows(fake.table, wanted, names, {}, now));
    };
    auto listed = list({});
    CHECK(listed["total"] == 4);
    CHECK(listed["truncated"] == false);
    REQUIRE(listed["flows"].size() == 4);
    CHECK(listed["flows"][0]["cookie"] == "0x000007b3");
    CHECK(listed["flows"][3]["cookie"] == "0x000fa0b3");

    listed = list(filter({{"limit", "2"}}));
    CHECK(listed["total"] == 4);
    CHECK(listed["truncated"] == true);
    REQUIRE(listed["flows"].size() == 2);
    CHECK(listed["flows"][1]["cookie"] == "0x000046b3");

    listed = list(filter({{"limit", "4"}}));
    CHECK(listed["truncated"] == false);
    listed = list(filter({{"limit", "0"}}));
    CHECK(listed["flows"].size() == 4);
    CHECK(listed["truncated"] == false);
    listed = list(filter({{"protocol", "udp"}}));
    CHECK(listed == nlohmann::json{{"total", 0}, {"truncated", false}, {"flows", nlohmann::json::array()}});
}

TEST_CASE("flow list: a query for a name that nothing has is an error, not an empty list", "[flows]") {
    const auto check = [](const FlowQueryFields &fields) { return names.check(filter(fields)); };
    CHECK(check({}));
    CHECK(check({{"endpoint", "lan"}, {"target", "firewalls/fw-0"}}));
    CHECK(check({{"target", "fw-1"}}));
    CHECK(check({{"endpoint", "nosuch"}}).error().message ==
          "there is no endpoint nosuch; see glbctl endpoints");
    CHECK(check({{"target", "nosuch"}}).error().message == "there is no target nosuch; see glbctl targets");
    CHECK(check({{"target", "others/fw-0"}}).error().message ==
          "there is no target others/fw-0; see glbctl targets");
    CHECK(check({{"target", "nosuch"}}).error().code == ENOENT);
}
