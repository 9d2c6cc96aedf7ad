#include "sample.h"

#include <random>

#include "controller/config/exporter.h"
#include "random_manifest.h"

using namespace glb;
using namespace glb::test;

TEST_CASE("export: parses back into an equal manifest", "[config]") {
    std::mt19937_64 random(20250101);
    for (int i = 0; i < 500; ++i) {
        const auto manifest = random_manifest(random);
        const auto text = config::export_manifest(manifest).dump(2);
        const auto parsed = config::parse_manifest(text);
        INFO(text);
        if (!parsed)
            for (const auto &error : parsed.error())
                UNSCOPED_INFO(error.pointer << ": " << error.message);
        REQUIRE(parsed);
        REQUIRE((*parsed == manifest));
    }
}

TEST_CASE("export: contains defaults, and 64-bit values as strings", "[config]") {
    auto document = with("/endpoints/0/id", "0x2B8ee1d4db0c51c4");
    document["endpoints"][0]["attachmentId"] = 9007199254740992u;
    const auto exported = config::export_manifest(manifest_of(document));
    const auto &endpoint = exported["endpoints"][0];
    CHECK(endpoint["id"] == "0x2B8ee1d4db0c51c4"); // spelled as in the manifest
    document["endpoints"][0]["id"] = "vpce-02b8ee1d4db0c51c4";
    CHECK(config::export_manifest(manifest_of(document))["endpoints"][0]["id"] == "vpce-02b8ee1d4db0c51c4");
    CHECK(endpoint["attachmentId"] == "0x20000000000000");
    CHECK(endpoint["interfaces"][0] == "cli0");
    CHECK(exported["endpoints"][1]["interfaces"][0]["vlan"] == 100);
    CHECK(exported["node"]["markMask"] == "0x0fff0000");
    CHECK_FALSE(exported["node"].contains("name"));
    CHECK(exported["targetGroups"][0]["healthCheck"]["matcher"] == "200-399");
    CHECK(exported["targetGroups"][0]["healthCheck"]["intervalSeconds"].is_number_integer());
    CHECK(exported.begin().key() == "version");
}
