#include "sample.h"

#include "controller/config/enum_strings.h"
#include "controller/config/formats.h"
#include "controller/health/status_matcher.h"

using namespace glb;
using namespace glb::config;
using namespace glb::test;
using nlohmann::json;

TEST_CASE("parser: omitted members have their defaults", "[config]") {
    const auto manifest = manifest_of(sample());
    CHECK(manifest.node == [] {
        Node node;
        node.tunnel.interface.name = "under0";
        node.tunnel.address = *IpAddress::parse("10.1.0.1");
        return node;
    }());
    CHECK(manifest.node.mark_mask == 0x0fff0000);
    CHECK(manifest.node.flow_table_capacity == 1048576);
    REQUIRE(manifest.endpoints.size() == 2);
    const auto &branch = manifest.endpoints[0];
    CHECK((branch.id == 1 && branch.attachment_id == 0 && branch.route_table == 254));
    CHECK((branch.when_detached == WhenDetached::drop && !branch.mss_clamp));
    CHECK(manifest.endpoints[1].interfaces == std::vector<InterfaceRef>{{"eth1", {100}}});
    const auto &group = manifest.target_groups.at(0);
    CHECK((group.idle_tcp.count() == 350 && group.idle_other.count() == 120));
    CHECK((group.deregistration_delay.count() == 300 && group.on_unhealthy == FailurePolicy::rehash));
    CHECK(group.health_check == HealthCheck{});
    CHECK((group.health_check.port == 80 && group.health_check.timeout.count() == 1000));
    CHECK((group.targets.at(0).port == 6081 && group.targets.at(0).weight == 1));
}

TEST_CASE("parser: reads every member", "[config]") {
    auto document = sample();
    document["node"] = json::parse(R"({
        "name": "glb-a", "ownAddresses": ["192.0.2.1", "2001:db8::/64"], "markMask": "0xfff", "hashSeed": "00ff10203040506A",
        "tunnel": {"interface": "u0", "vlan": [10, 20], "address": "10.1.0.1", "address6": "2001:db8::1", "senderMac": "any"},
        "flowTable": {"capacity": 4096}, "xdp": "shared", "xdpMode": "generic"})");
    document["endpoints"][0] = json::parse(R"({
        "name": "branch", "id": "vpce-02b8ee1d4db0c51c4", "attachmentId": "0xffffffffffffffff", "mode": "inline",
        "interfaces": ["a", {"name": "b", "vlan": [1, 2]}], "routeTable": 4294967295, "targetGroup": "firewalls",
        "whenDetached": "pass", "mssClamp": 1400, "tooBigWithoutDf": "fragment", "nonIp": "drop", "linkState": "ignore",
        "newFlowsPerSourcePerSecond": 7})");
    document["targetGroups"][0] = json::parse(R"({
        "name": "firewalls", "stickiness": "2-tuple", "idleTimeout": {"tcpSeconds": 60, "otherSeconds": 10},
        "deregistrationDelaySeconds": 0, "onTargetFailure": {"unhealthy": "hold", "deregistered": "reset"},
        "onAllUnhealthy": "bypass", "cookie": "strict", "dialect": "aws", "egress": "appliance",
        "healthCheck": {"protocol": "HTTPS", "path": "/up?x=1", "host": "fw.example", "matcher": "200,301-302", "caFile": "/ca.pem",
            "timeoutSeconds": 0.05, "intervalSeconds": 0.1, "healthyThreshold": 1, "unhealthyThreshold": 10,
            "inBand": {"source": "192.0.2.9", "destination": "192.0.2.8", "port": 9}, "passive": {"windowMilliseconds": 20},
            "maxEjectedPercent": 10},
        "targets": [{"id": "x", "address": "2001:db8::2", "port": 1, "weight": 0, "udpChecksum": "computed"}]})");
    document["flowLog"] = json::parse(R"({"file": "/f", "maxBytes": 65536, "keep": 2, "intervalSeconds": 5,
        "ipfix": {"address": "192.0.2.7", "port": 5}})");
    const auto manifest = manifest_of(document);
    const auto &node = manifest.node;
    CHECK((node.name == "glb-a" && node.mark_mask == 0xfff && node.own_addresses.size() == 2));
    CHECK(node.hash_seed == std::vector<std::uint8_t>{0, 0xff, 0x10, 0x20, 0x30, 0x40, 0x50, 0x6a});
    CHECK(node.tunnel.interface == InterfaceRef{"u0", {10, 20}});
    CHECK((node.tunnel.address6 && node.tunnel.sender_mac == SenderMac::any));
    CHECK((node.flow_table_capacity == 4096 && node.xdp == XdpSharing::shared &&
           node.xdp_mode == XdpMode::generic));
    const auto &endpoint = manifest.endpoints[0];
    CHECK((endpoint.id == 0x2b8ee1d4db0c51c4 && endpoint.attachment_id == ~std::uint64_t{0}));
    CHECK(endpoint.interfaces == std::vector<InterfaceRef>{{"a", {}}, {"b", {1, 2}}});
    CHECK((endpoint.mode == EndpointMode::inline_pair && endpoint.route_table == 4294967295u));
    CHECK(endpoint.mss_clamp == MssClamp{MssClamp::Kind::fixed, 1400});
    CHECK((endpoint.when_detached == WhenDetached::pass &&
           endpoint.too_big_without_df == TooBigWithoutDf::fragment));
    CHECK((endpoint.non_ip == NonIp::drop && endpoint.link_state == LinkState::ignore));
    CHECK(endpoint.new_flows_per_source_per_second == 7);
    const auto &group = manifest.target_groups[0];
    CHECK((group.stickiness == Stickiness::tuple2 && group.idle_tcp.count() == 60 &&
           group.idle_other.count() == 10));
    CHECK((group.on_unhealthy == FailurePolicy::hold && group.on_deregistered == FailurePolicy::reset));
    CHECK((group.on_all_unhealthy == AllUnhealthyPolicy::bypass && group.cookie == CookiePolicy::strict));
    CHECK((group.egress == Egress::appliance && group.deregistration_delay.count() == 0));
    const auto &check = group.health_check;
    CHECK((check.protocol == ProbeProtocol::https && check.port == 443 && check.path == "/up?x=1"));
    CHECK(check.matcher == std::vector<StatusRange>{{200, 200}, {301, 302}});
    CHECK((check.timeout.count() == 50 && check.interval.count() == 100 && check.ca_file == "/ca.pem"));
    CHECK((check.healthy_threshold == 1 && check.unhealthy_threshold == 10 && check.host == "fw.example"));
    CHECK((check.in_band.port == 9 && check.in_band.source == *IpAddress::parse("192.0.2.9")));
    CHECK((check.passive.enabled && check.passive.window == std::chrono::milliseconds(20)));
    CHECK(check.max_ejected_percent == 10);
    const auto &target = group.targets.at(0);
    CHECK((target.address.family == 6 && target.port == 1 && target.weight == 0));
    CHECK(target.udp_checksum == UdpChecksum::computed);
    REQUIRE(manifest.flow_log);
    CHECK((manifest.flow_log->file == "/f" && manifest.flow_log->keep == 2 &&
           manifest.flow_log->ipfix->port == 5));
}

TEST_CASE("parser: an unknown member is an error at its pointer, with a suggestion", "[config]") {
    check_rejected("/nodes", 1, "did you mean \"node\"?");
    check_rejected("/node/tunnel/adress", "10.1.0.1", "did you mean \"address\"?");
    check_rejected("/node/flowTable", {{"entries", 4096}}, "valid members: capacity",
                   "/node/flowTable/entries");
    check_rejected("/endpoints/1/a~1b", 1, "unknown member");
    check_rejected("/endpoints/1/interfaces/0/vlans", 1, "did you mean \"vlan\"?");
    check_rejected("/targetGroups/0/idleTimeout", {{"tcp", 60}}, "unknown",
                   "/targetGroups/0/idleTimeout/tcp");
    check_rejected("/targetGroups/0/onTargetFailure", {{"x", 60}}, "unknown",
                   "/targetGroups/0/onTargetFailure/x");
    check_rejected("/targetGroups/0/healthCheck", {{"x", 60}}, "unknown", "/targetGroups/0/healthCheck/x");
    check_rejected("/targetGroups/0/targets/0/x", 1, "unknown");
    check_rejected("/flowLog", {{"file", "/f"}, {"x", 1}}, "unknown", "/flowLog/x");
}

TEST_CASE("parser: a missing member is an error of its object", "[config]") {
    const auto check_missing = [](const std::string &pointer, const std::string &member) {
        auto document = sample();
        document[json::json_pointer(pointer)].erase(member);
        const auto errors = errors_in(document);
        INFO(pointer << " without " << member);
        REQUIRE(errors.size() == 1);
        CHECK(errors[0] == ManifestError{pointer, "the member \"" + member + "\" is missing"});
    };
    check_missing("", "version");
    check_missing("", "node");
    check_missing("/node", "tunnel");
    check_missing("/node/tunnel", "interface");
    check_missing("/node/tunnel", "address");
    check_missing("/endpoints/0", "name");
    check_missing("/endpoints/0", "id");
    check_missing("/endpoints/0", "interfaces");
    check_missing("/endpoints/0", "targetGroup");
    check_missing("/endpoints/1/interfaces/0", "name");
    check_missing("/targetGroups/0/targets/0", "id");
    check_missing("/targetGroups/0/targets/0", "address");
}

TEST_CASE("parser: errors of numbers name the range", "[config]") {
    const auto range = [](const std::string &pointer, double least, double most, const std::string &text) {
        check_rejected(pointer, -1, text);
        check_rejected(pointer, least - 0.01, text);
        check_rejected(pointer, most + 1, text);
        check_rejected(pointer, "7", text);
        check_rejected(pointer, nullptr, text);
    };
    check_rejected("/version", 2, "must be 1");
    range("/node/tunnel/vlan", 1, 4094, "1 to 4094");
    range("/endpoints/0/newFlowsPerSourcePerSecond", 0, 1000000, "from 0 to 1000000");
    range("/endpoints/0/routeTable", 1, 4294967295, "from 1 to 4294967295");
    range("/targetGroups/0/deregistrationDelaySeconds", 0, 3600, "from 0 to 3600");
    range("/targetGroups/0/targets/0/port", 1, 65535, "from 1 to 65535");
    range("/targetGroups/0/targets/0/weight", 0, 1000, "from 0 to 1000");
    for (const auto value : {4095, 16777217})
        check_rejected("/node/flowTable", {{"capacity", value}}, "from 4096 to 16777216",
                       "/node/flowTable/capacity");
    for (const auto value : {535, 8961})
        check_rejected("/endpoints/0/mssClamp", value, "from 536 to 8960");
    for (const auto value : {59, 6001})
        check_rejected("/targetGroups/0/idleTimeout", {{"tcpSeconds", value}}, "from 60 to 6000",
                       "/targetGroups/0/idleTimeout/tcpSeconds");
    for (const auto value : {9, 6001})
        check_rejected("/targetGroups/0/idleTimeout", {{"otherSeconds", value}}, "from 10 to 6000",
                       "/targetGroups/0/idleTimeout/otherSeconds");
    const auto check = [](const std::string &member, const json &value, const std::string &text) {
        check_rejected("/targetGroups/0/healthCheck", {{"intervalSeconds", 300}, {member, value}}, text,
                       "/targetGroups/0/healthCheck/" + member);
    };
    for (const auto &value : std::vector<json>{0.049, 0.0499999, 120.001, 120.0000001, 1.0005, "1"})
        check("timeoutSeconds", value, "from 0.05 to 120");
    for (const auto &value : std::vector<json>{0, 11, 1.5})
        check("healthyThreshold", value, "from 1 to 10");
    check("unhealthyThreshold", 11, "from 1 to 10");
    check("maxEjectedPercent", 0, "from 1 to 100");
    check_rejected("/targetGroups/0/healthCheck", {{"passive", {{"windowMilliseconds", 19}}}},
                   "from 20 to 60000", "/targetGroups/0/healthCheck/passive/windowMilliseconds");
}

TEST_CASE("parser: errors of strings name the format", "[config]") {
    for (const auto &value :
         std::vector<json>{"", "a b", std::string(64, 'a'), "ä", 1, nullptr, json::array()})
        check_rejected("/endpoints/0/name", value, "1 to 63 of a-z A-Z 0-9 . _ -");
    for (const auto &value : std::vector<json>{"", "a/b", "..", "sixteen-bytes-xx", "a b", 1})
        check_rejected("/node/tunnel/interface", value, "name of an interface");
    for (const auto &value :
         {"10.1.0", "0.0.0.0", "127.0.0.1", "224.0.0.1", "255.255.255.255", "2001:db8::1", "10.1.0.1/24", ""})
        check_rejected("/node/tunnel/address", value, "IPv4 address");
    for (const auto &value : {"::", "::1", "ff02::1", "fe80::1", "10.1.0.1"})
        check_rejected("/node/tunnel/address6", value, "IPv6 address");
    for (const auto &value :
         std::vector<json>{"0x0", "0x", "1", 1, "vpce-0123", "vpce-00000000000000000", "0x12345678123456781"})
        check_rejected("/endpoints/0/id", value, "vpce-0");
    for (const auto &value : std::vector<json>{"1", "0x12345678123456781", -1, 9007199254740994, 0.5})
        check_rejected("/endpoints/0/attachmentId", value, "9007199254740992");
    for (const auto &value : {"10.0.0.1/8", "0.0.0.0/0", "::/0", "10.0.0.0/33", "x"})
        check_rejected("/node/ownAddresses", json::array({value}), "prefix", "/node/ownAddresses/0");
    for (const auto &value : {"0011223344556", "001122334455667", "0g11223344556677"})
        check_rejected("/node/hashSeed", value, "16 to 64 hex digits");
    const auto check = [](const std::string &member, const json &value, const std::string &text) {
        check_rejected("/targetGroups/0/healthCheck", {{member, value}}, text,
                       "/targetGroups/0/healthCheck/" + member);
    };
    for (const auto &value : {"", "up", "/a b", "/a\r\nX: y", "/a#b"})
        check("path", value, "must be a path");
    for (const auto &value : {"", "a b", "a\r\nX: y", "a/b"})
        check("host", value, "host name");
    for (const auto &value : {"", "20", "199", "100-199", "199-200", "200-600", "300-200", "200,", "200-"})
        check("matcher", value, "status codes");
    check("caFile", "ca.pem", "absolute path");
}

TEST_CASE("parser: errors of enumerations name the values", "[config]") {
    check_rejected("/endpoints/0/mode", "bridge", "\"routed\", \"inline\"");
    check_rejected("/endpoints/0/whenDetached", "Pass", "\"drop\", \"pass\"; did you mean \"pass\"?");
    check_rejected("/node/xdpMode", true, "\"native\", \"generic\"");
    check_rejected("/targetGroups/0/stickiness", "5tuple", "did you mean \"5-tuple\"?");
    check_rejected("/targetGroups/0/dialect", "gcp", "must be \"aws\"");
    check_rejected("/endpoints/0/mssClamp", "on", "\"auto\", \"off\"");
    check_rejected("/targetGroups/0/healthCheck", {{"passive", "yes"}}, "false, true",
                   "/targetGroups/0/healthCheck/passive");
    check_rejected("/endpoints/1/interfaces/0/vlan", {1, 2, 3}, "[outer, inner]");
    check_rejected("/endpoints/1/interfaces/0", 7, "name of an interface");
    check_rejected("/endpoints/1", 7, "must be an object");
    check_rejected("/node/ownAddresses", "192.0.2.1", "list of prefixes");
}

TEST_CASE("parser: seconds have millisecond resolution, a seed has 16 to 64 hex digits", "[config]") {
    for (int milliseconds = 50; milliseconds <= 120000; milliseconds += 61) {
        const auto text = fmt::format("{}.{:03}", milliseconds / 1000, milliseconds % 1000);
        auto document = with("/targetGroups/0/healthCheck", {{"intervalSeconds", 300}});
        document["targetGroups"][0]["healthCheck"]["timeoutSeconds"] = json::parse(text);
        INFO(text);
        CHECK(manifest_of(document).target_groups[0].health_check.timeout.count() == milliseconds);
    }
    const auto node = manifest_of(with("/node/hashSeed", "f0011223344556677")).node;
    CHECK(node.hash_seed == std::vector<std::uint8_t>{0xf, 0, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77});
}

TEST_CASE("parser: integers may be written with a fraction or an exponent", "[config]") {
    auto text = sample().dump();
    text.replace(text.find("\"version\":1"), 11, "\"version\":1.0e0");
    CHECK(errors_in_text(text).empty());
}

TEST_CASE("parser: reports all errors, and list elements keep their positions", "[config]") {
    auto document = sample();
    document["version"] = 9;
    document["endpoints"][0] = "nothing";
    document["endpoints"][1]["targetGroup"] = "firewals";
    document["targetGroups"][0]["targets"][1]["id"] = "fw-1";
    CHECK(errors_in(with("/endpoints/0/targetGroup", "ids")).at(0).message ==
          "there is no target group \"ids\"; valid: firewalls");
    const std::vector<ManifestError> expected = {
        {"/version", "must be 1"},
        {"/endpoints/0", "must be an object"},
        {"/endpoints/1/targetGroup", "there is no target group \"firewals\"; did you mean \"firewalls\"?"},
        {"/targetGroups/0/targets/1/id", "this id is already used by /targetGroups/0/targets/0/id"}};
    CHECK(errors_in(document) == expected);
}

TEST_CASE("status matcher: manifest and prober accept the same codes", "[config]") {
    for (int code = 0; code <= 1000; ++code) {
        const auto text = std::to_string(code);
        INFO(text);
        const auto ranges = parse_matcher(text);
        REQUIRE(ranges.has_value() == health::StatusMatcher::parse(text).has_value());
        if (ranges)
            CHECK(health::StatusMatcher::parse(format_matcher(*ranges))->matches(code));
    }
    CHECK(health::StatusMatcher::parse(format_matcher(*parse_matcher("200-599")))->matches(599));
}
