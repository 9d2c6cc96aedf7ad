#include "sample.h"

#include <fmt/format.h>

using namespace glb;
using namespace glb::test;
using nlohmann::json;

TEST_CASE("names and ids are unique in their kind", "[config]") {
    refuses("/endpoints/1/name", "branch", "already that of /endpoints/0/name");
    refuses("/endpoints/1/id", "vpce-00000000000000001", "already that of /endpoints/0/id");
    refuses("/endpoints/1/id", "vpce-0676c6270726f6265", "the node's own health probes");
    refuses("/targetGroups/1", {{"name", "firewalls"}}, "already", "/targetGroups/1/name");
    refuses("/targetGroups/0/targets/1/id", "fw-1", "already");
    takes("/targetGroups/1", {{"name", "branch"}, {"targets", {{{"id", "fw-1"}, {"address", "10.1.0.11"}}}}});
}

TEST_CASE("an interface and VLAN is one endpoint's; the tunnel may share it", "[config]") {
    refuses("/endpoints/1/interfaces/0", "cli0", "cli0 is already that of /endpoints/0/interfaces/0");
    refuses("/endpoints/0/interfaces/1", "cli0", "already that of /endpoints/0/interfaces/0");
    refuses("/endpoints/0/interfaces/1", {{"name", "eth1"}, {"vlan", 100}},
            "eth1 vlan 100 is already that of", "/endpoints/1/interfaces/0");
    takes("/endpoints/0/interfaces/1", {{"name", "eth1"}, {"vlan", 101}});
    takes("/endpoints/0/interfaces/1", {{"name", "eth1"}, {"vlan", {100, 7}}});
    takes("/endpoints/0/interfaces", {"under0"}); // one-arm
    refuses("/endpoints/0/interfaces", json::array(), "at least one interface");
}

TEST_CASE("an inline endpoint has two interfaces of its own", "[config]") {
    auto document = with("/endpoints/0/mode", "inline");
    CHECK(errors_in(document).empty());
    document["endpoints"][0]["interfaces"] = {"a"};
    CHECK(errors_in(document).at(0).pointer == "/endpoints/0/interfaces");
    document["endpoints"][0]["interfaces"] = {"a", "b", "c"};
    CHECK(errors_in(document).at(0).pointer == "/endpoints/0/interfaces");
    document["endpoints"][0]["interfaces"] = {"a", "under0"};
    CHECK(errors_in(document).at(0).pointer == "/endpoints/0/interfaces/1");
}

TEST_CASE("a target is another machine, and one socket of a group", "[config]") {
    refuses("/targetGroups/0/targets/1/address", "10.1.0.1", "tunnel's own address");
    refuses("/targetGroups/0/targets/1/address", "10.1.0.11", "10.1.0.11 port 6081 is already that of");
    takes("/targetGroups/0/targets/1", {{"id", "fw-2"}, {"address", "10.1.0.11"}, {"port", 6082}});
}

TEST_CASE("eight GENEVE ports, 6081 among them", "[config]") {
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

TEST_CASE("a probe's timeout fits into its interval", "[config]") {
    const std::string at = "/targetGroups/0/healthCheck";
    refuses(at, {{"timeoutSeconds", 2.001}}, "at most the interval, 2", at + "/timeoutSeconds");
    refuses(at, {{"intervalSeconds", 0.5}}, "is 1; must be at most the interval, 0.5",
            at + "/timeoutSeconds");
    takes(at, {{"timeoutSeconds", 2}, {"intervalSeconds", 2}});
    refuses(at, {{"inBand", {{"source", "2001:db8::1"}}}}, "one IP version", at + "/inBand");
    refuses(at, {{"inBand", {{"source", "192.0.2.2"}}}}, "differ", at + "/inBand/destination");
}

TEST_CASE("the mark's mask is one run of twelve bits or more", "[config]") {
    for (const auto *good : {"0xfff", "0xfff00000", "0xffffffff", "0x0001fff0"})
        takes("/node/markMask", good);
    takes("/node/markMask", 4095);
    for (const auto *bad : {"0x7ff", "0x0", "0xff0f0000", "0xffe00000"})
        refuses("/node/markMask", bad, "12 or more adjacent bits");
    refuses("/node/markMask", "0x100000000", "0xffffffff");
}

TEST_CASE("a flow log goes somewhere", "[config]") {
    refuses("/flowLog", json::object(), "goes nowhere");
    takes("/flowLog", {{"file", "/var/log/flows"}});
    takes("/flowLog", {{"ipfix", {{"address", "192.0.2.1"}}}});
}

TEST_CASE("the tables' sizes bound the manifest", "[config]") {
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
    takes("/endpoints", endpoints(256, 1));
    refuses("/endpoints", endpoints(257, 1), "there are 257 endpoints; at most 256");
    takes("/endpoints", endpoints(93, 11)); // 1023, and the tunnel's
    refuses("/endpoints", endpoints(128, 8), "there are 1025 pairs of interface and VLAN; at most 1024");

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
    takes("/targetGroups", groups(64, 64));
    refuses("/targetGroups", groups(65, 1), "there are 65 target groups; at most 64");
    refuses("/targetGroups", groups(1, 4097), "there are 4097 targets");
    takes("/node/ownAddresses", json(std::vector<std::string>(1024, "192.0.2.1")));
    refuses("/node/ownAddresses", json(std::vector<std::string>(1025, "192.0.2.1")), "at most 1024");
}
