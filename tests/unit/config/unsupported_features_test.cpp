#include "sample.h"

#include "controller/config/exporter.h"
#include "controller/config/unsupported_features.h"

using namespace glb;
using namespace glb::config;
using namespace glb::test;
using nlohmann::json;

namespace {

/// The manifest is valid, and its only unsupported feature is at `at`.
void check_unsupported(const std::string &pointer, const json &value, const std::string &at = "same") {
    const auto errors = unsupported_features(manifest_of(with(pointer, value)));
    INFO(pointer << " = " << value.dump());
    REQUIRE(errors.size() == 1);
    CHECK(errors[0].pointer == (at == "same" ? pointer : at));
    CHECK_THAT(errors[0].message, Catch::EndsWith("not yet supported"));
}

void check_supported(const std::string &pointer, const json &value) {
    INFO(pointer << " = " << value.dump());
    CHECK(unsupported_features(manifest_of(with(pointer, value))).empty());
}

} // namespace

TEST_CASE("unsupported features: each is an error at its pointer", "[config]") {
    check_unsupported("/node/xdp", "shared");
    check_unsupported("/node/tunnel/address6", "2001:db8::1");
    check_unsupported("/endpoints/0/mode", "inline");
    check_unsupported("/endpoints/0/mssClamp", "auto"); // an explicit value is relied upon
    check_unsupported("/endpoints/0/mssClamp", "off");
    check_unsupported("/endpoints/0/mssClamp", 1400);
    check_unsupported("/endpoints/0/tooBigWithoutDf", "fragment");
    check_unsupported("/endpoints/0/nonIp", "drop");
    check_unsupported("/endpoints/0/linkState", "ignore");
    check_unsupported("/targetGroups/0/egress", "appliance");
    check_unsupported("/targetGroups/0/targets/1/address", "2001:db8::2");
    check_unsupported("/targetGroups/0/targets/1/udpChecksum", "computed");
    check_unsupported("/flowLog", {{"file", "/f"}});
    const std::string check = "/targetGroups/0/healthCheck";
    check_unsupported(check, {{"inBand", {{"source", "2001:db8::1"}, {"destination", "2001:db8::2"}}}},
                      check + "/inBand");
}

TEST_CASE("unsupported features: defaults and supported values are accepted", "[config]") {
    CHECK(unsupported_features(manifest_of(sample())).empty());
    CHECK(unsupported_features(manifest_of(export_manifest(manifest_of(sample())))).empty());
    check_supported("/endpoints/0/nonIp", "pass");
    check_supported("/endpoints/0/newFlowsPerSourcePerSecond", 1);
    check_supported("/targetGroups/0/healthCheck",
                    {{"passive", false}, {"maxEjectedPercent", 50}, {"protocol", "NONE"}});
    check_supported(
        "/targetGroups/0/healthCheck",
        {{"passive", {{"windowMilliseconds", 50}}}, {"maxEjectedPercent", 20}, {"protocol", "GENEVE"}});
    check_supported("/targetGroups/0/healthCheck", {{"inBand", {{"port", 8}}}});
    check_supported("/targetGroups/0/healthCheck", {{"protocol", "HTTPS"}, {"caFile", "/ca.pem"}});
    check_supported("/targetGroups/0/onTargetFailure", {{"unhealthy", "hold"}, {"deregistered", "rehash"}});
    check_supported("/targetGroups/0/onAllUnhealthy", "drop");
    check_supported("/targetGroups/0/cookie", "strict");
    check_supported("/node/xdpMode", "generic");
    check_supported("/node/tunnel/senderMac", "any");
}

TEST_CASE("unsupported features: reported together with other errors", "[config]") {
    auto document = with("/endpoints/0/mode", "inline");
    document["node"]["markMask"] = "0x0";
    const auto rejected = parse_supported_manifest(document.dump());
    REQUIRE_FALSE(rejected);
    REQUIRE(rejected.error().size() == 2);
    CHECK(rejected.error()[0].pointer == "/node/markMask");
    CHECK(rejected.error()[1] == ManifestError{"/endpoints/0/mode", "an inline endpoint: not yet supported"});
    CHECK(parse_supported_manifest("{").error().size() == 1);
    CHECK(parse_supported_manifest(sample().dump()));
}
