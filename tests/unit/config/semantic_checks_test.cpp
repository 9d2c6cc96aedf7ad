#include "sample.h"

#include <fmt/format.h>

using namespace glb;
using namespace glb::test;
using nlohmann::json;

TEST_CASE("semantic checks: names and ids are unique per kind", "[config]") {
    check_rejected("/endpoints/1/name", "branch", "already used by /endpoints/0/name");
    check_rejected("/endpoints/1/id", "vpce-00000000000000001", "already used by /endpoints/0/id");
    check_rejected("/endpoints/1/id", "vpce-0676c6270726f6265", "reserved for health probes");
    check_rejected("/targetGroups/1", {{"name", "firewalls"}}, "already", "/targetGroups/1/name");
    check_rejected("/targetGroups/0/targets/1/id", "fw-1", "already");
    check_accepted("/targetGroups/1",
                   {{"name", "branch"}, {"targets", {{{"id", "fw-1"}, {"address", "10.1.0.11"}}}}});
}

TEST_CASE("semantic checks: an (interface, VLAN) belongs to one endpoint; the tunnel may share it",
          "[config]") {
    check_rejected("/endpoints/1/interfaces/0", "cli0", "cli0 is already used by /endpoints/0/interfaces/0");
    check_rejected("/endpoints/0/interfaces/1", "cli0", "already used by /endpoints/0/interfaces/0");
    check_rejected("/endpoints/0/interfaces/1", {{"name", "eth1"}, {"vlan", 100}},
                   "eth1 vlan 100 is already used by", "/endpoints/1/interfaces/0");
    check_accepted("/endpoints/0/interfaces/1", {{"name", "eth1"}, {"vlan", 101}});
    check_accepted("/endpoints/0/interfaces/1", {{"name", "eth1"}, {"vlan", {100, 7}}});
    check_accepted("/endpoints/0/interfaces", {"under0"}); // one-arm
    check_rejected("/endpoints/0/interfaces", json::array(), "at least one interface");
}

TEST_CASE("semantic checks: an inline endpoint has two exclusive interfaces", "[config]") {
    auto document = with("/endpoints/0/mode", "inline");
    CHECK(errors_in(document).empty());
    document["endpoints"][0]["interfaces"] = {"a"};
    CHECK(errors_in(document).at(0).pointer == "/endpoints/0/interfaces");
    document["endpoints"][0]["interfaces"] = {"a", "b", "c"};
    CHECK(errors_in(document).at(0).pointer == "/endpoints/0/interfaces");
    document["endpoints"][0]["interfaces"] = {"a", "under0"};
    CHECK(errors_in(document).at(0).pointer == "/endpoints/0/interfaces/1");
}

TEST_CASE("semantic checks: a target is another host, with a unique socket in its group", "[config]") {
    check_rejected("/targetGroups/0/targets/1/address", "10.1.0.1", "tunnel's address");
    check_rejected("/targetGroups/0/targets/1/address", "10.1.0.11",
                   "10.1.0.11 port 6081 is already used by");
    check_accepted("/targetGroups/0/targets/1", {{"id", "fw-2"}, {"address", "10.1.0.11"}, {"port", 6082}});
}

TEST_CASE("semantic checks: at most eight GENEVE ports, including 6081", "[config]") {
    auto document = sample();
    for (int i = 0; i < 7; ++i)
        document["targetGroups"][0]["targets"][i] = {{"id", fmt::format("fw-{}", i)},
                                                     {"address", fmt::format("10.1.0.{}", 11 + i)},
                                                     {"port", 7000 + i}};
    CHECK(errors_in(document).empty());
    document["targetGroups"][0]["targets"][7] = {{"id", "fw-7"}, {"address", "10.1.0.99"}, {"port", 7099}};
    const auto errors = errors_in(document);
    REQUIRE(errors.size() == 1);
    CHECK(errors[0].pointer == "/targetGroups/0/targets/7/port");
    document["targetGroups"][0]["targets"][7]["port"] = 6081;
    CHECK(errors_in(document).empty());
}

TEST_CASE("semantic checks: a probe's timeout does not exceed its interval", "[config]") {
    const std::string at = "/targetGroups/0/healthCheck";
    check_rejected(at, {{"timeoutSeconds", 2.001}}, "must not exceed intervalSeconds, 2",
                   at + "/timeoutSeconds");
    check_rejected(at, {{"intervalSeconds", 0.5}}, "is 1; must not exceed intervalSeconds, 0.5",
                   at + "/timeoutSeconds");
    check_accepted(at, {{"timeoutSeconds", 2}, {"intervalSeconds", 2}});
    check_rejected(at, {{"inBand", {{"source", "2001:db8::1"}}}}, "same IP version", at + "/inBand");
    check_rejected(at, {{"inBand", {{"source", "192.0.2.2"}}}}, "differ", at + "/inBand/destination");
}

TEST_CASE("semantic checks: the mark mask has at least twelve contiguous bits", "[config]") {
    for (const auto *good : {"0xfff", "0xfff00000", "0xffffffff", "0x0001fff0"})
        check_accepted("/node/markMask", good);
    check_accepted("/node/markMask", 4095);
    for (const auto *bad : {"0x7ff", "0x0", "0xff0f0000", "0xffe00000"})
        check_rejected("/node/markMask", bad, "12 or more adjacent bits");
    check_rejected("/node/markMask", "0x100000000", "0xffffffff");
}

TEST_CASE("semantic checks: a flow log has a destination", "[config]") {
    check_rejected("/flowLog", json::object(), "no destination");
    check_accepted("/flowLog", {{"file", "/var/log/flows"}});
    check_accepted("/flowLog", {{"ipfix", {{"address", "192.0.2.1"}}}});
}

TEST_CASE("semantic checks: table sizes limit the manifest", "[config]") {
    const auto endpoints = [](int count, int interfaces) {
        auto list = json::array();
        for (int i = 0; i < count; ++i) {
            auto names = json::array();
            for (int j = 0; j < interfaces; ++j)
                names.push_back(fmt::format("e{}-{}", i, j));
            list.push_back({{"name", fmt::format("e{}", i)},
                            {"id", fmt::format("{:#x}", i + 1)},
                            {"interfaces", names},
                            {"targetGroup", "firewalls"}});
        }
        return list;
    };
    check_accepted("/endpoints", endpoints(256, 1));
    check_rejected("/endpoints", endpoints(257, 1), "257 endpoints exceed the limit of 256");
    check_accepted("/endpoints", endpoints(93, 11)); // 1023 and the tunnel's
    check_rejected("/endpoints", endpoints(128, 8),
                   "1025 pairs of interface and VLAN exceed the limit of 1024");

    const auto groups = [](int count, int targets) {
        auto list = json::array();
        for (int i = 0; i < count; ++i) {
            auto group =
                json{{"name", i == 0 ? "firewalls" : fmt::format("g{}", i)}, {"targets", json::array()}};
            for (int j = 0; j < targets; ++j)
                group["targets"].push_back({{"id", fmt::format("t{}", j)},
                                            {"address", fmt::format("10.{}.{}.9", 2 + j / 250, j % 250)}});
            list.push_back(group);
        }
        return list;
    };
    check_accepted("/targetGroups", groups(64, 64));
    check_rejected("/targetGroups", groups(65, 1), "65 target groups exceed the limit of 64");
    check_rejected("/targetGroups", groups(1, 4097), "4097 targets");
    check_accepted("/node/ownAddresses", json(std::vector<std::string>(1024, "192.0.2.1")));
    check_rejected("/node/ownAddresses", json(std::vector<std::string>(1025, "192.0.2.1")),
                   "exceed the limit of 1024");
}
