#include "sample.h"

#include "controller/config/exporter.h"
#include "controller/config/unsupported_features.h"

using namespace glb;
using namespace glb::test;
using nlohmann::json;

namespace {

/// The manifest is sound, and asks for something to come at `at` alone.
void asks(const std::string &pointer, const json &value, const std::string &at = "same") {
    const auto errors = not_yet_supported(manifest_of(with(pointer, value)));
    INFO(pointer << " = " << value.dump());
    REQUIRE(errors.size() == 1);
    CHECK(errors[0].pointer == (at == "same" ? pointer : at));
    CHECK_THAT(errors[0].message, Catch::EndsWith("not yet supported"));
}

void asks_nothing(const std::string &pointer, const json &value) {
    INFO(pointer << " = " << value.dump());
    CHECK(not_yet_supported(manifest_of(with(pointer, value))).empty());
}

} // namespace

TEST_CASE("what is to come is refused where it is asked for", "[config]") {
    asks("/node/xdp", "shared");
    asks("/node/tunnel/address6", "2001:db8::1");
    asks("/endpoints/0/mode", "inline");
    asks("/endpoints/0/mssClamp", "auto"); // who writes it counts on it
    asks("/endpoints/0/mssClamp", "off");
    asks("/endpoints/0/mssClamp", 1400);
    asks("/endpoints/0/tooBigWithoutDf", "fragment");
    asks("/endpoints/0/nonIp", "drop");
    asks("/endpoints/0/linkState", "ignore");
    asks("/targetGroups/0/egress", "appliance");
    asks("/targetGroups/0/targets/1/address", "2001:db8::2");
    asks("/targetGroups/0/targets/1/udpChecksum", "computed");
    asks("/flowLog", {{"file", "/f"}});
    const std::string check = "/targetGroups/0/healthCheck";
    asks(check, {{"inBand", {{"source", "2001:db8::1"}, {"destination", "2001:db8::2"}}}}, check + "/inBand");
}

TEST_CASE("defaults of what is there, written out or not, ask for nothing", "[config]") {
    CHECK(not_yet_supported(manifest_of(sample())).empty());
    CHECK(not_yet_supported(manifest_of(export_manifest(manifest_of(sample())))).empty());
    asks_nothing("/endpoints/0/nonIp", "pass");
    asks_nothing("/endpoints/0/newFlowsPerSourcePerSecond", 1);
    asks_nothing("/targetGroups/0/healthCheck",
                 {{"passive", false}, {"maxEjectedPercent", 50}, {"protocol", "NONE"}});
    asks_nothing(
        "/targetGroups/0/healthCheck",
        {{"passive", {{"windowMilliseconds", 50}}}, {"maxEjectedPercent", 20}, {"protocol", "GENEVE"}});
    asks_nothing("/targetGroups/0/healthCheck", {{"inBand", {{"port", 8}}}});
    asks_nothing("/targetGroups/0/healthCheck", {{"protocol", "HTTPS"}, {"caFile", "/ca.pem"}});
    asks_nothing("/targetGroups/0/onTargetFailure", {{"unhealthy", "hold"}, {"deregistered", "rehash"}});
    asks_nothing("/targetGroups/0/onAllUnhealthy", "drop");
    asks_nothing("/targetGroups/0/cookie", "strict");
    asks_nothing("/node/xdpMode", "generic");
    asks_nothing("/node/tunnel/senderMac", "any");
}

TEST_CASE("errors and what is to come are told at once", "[config]") {
    auto document = with("/endpoints/0/mode", "inline");
    document["node"]["markMask"] = "0x0";
    const auto refused = parse_supported_manifest(document.dump());
    REQUIRE_FALSE(refused);
    REQUIRE(refused.error().size() == 2);
    CHECK(refused.error()[0].pointer == "/node/markMask");
    CHECK(refused.error()[1] == ManifestError{"/endpoints/0/mode", "an inline endpoint: not yet supported"});
    CHECK(parse_supported_manifest("{").error().size() == 1);
    CHECK(parse_supported_manifest(sample().dump()));
}
