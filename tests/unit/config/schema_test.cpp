// deploy/schema/manifest.schema.json against the parser: an editor and glbctl must report the same errors.
#include "sample.h"

#include <filesystem>

#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validator.hpp>

#include "controller/config/exporter.h"
#include "controller/config/unsupported_features.h"
#include "controller/util/files.h"
#include "random_manifest.h"

using namespace glb;
using namespace glb::test;
using nlohmann::json;

namespace {

json json_file(const std::string &path) {
    const auto text = read_file(path);
    REQUIRE(text);
    return json::parse(*text);
}

const json &schema_document() {
    static const json document = json_file(SOURCE_DIR "/deploy/schema/manifest.schema.json");
    return document;
}

bool schema_accepts(const json &document) {
    static const auto schema = [] {
        auto built = std::make_unique<valijson::Schema>();
        valijson::SchemaParser().populateSchema(valijson::adapters::NlohmannJsonAdapter(schema_document()),
                                                *built);
        return built;
    }();
    return valijson::Validator().validate(*schema, valijson::adapters::NlohmannJsonAdapter(document),
                                          nullptr);
}

/// All pointers of a document, including containers.
std::vector<std::string> all_pointers(const json &document) {
    std::vector<std::string> out{""};
    const auto flat = document.flatten();
    for (const auto &[pointer, value] : flat.items())
        for (auto end = pointer.size(); end > 0; end = pointer.rfind('/', end - 1))
            out.push_back(pointer.substr(0, end));
    std::sort(out.begin(), out.end());
    out.erase(std::unique(out.begin(), out.end()), out.end());
    return out;
}

} // namespace

TEST_CASE("schema: every example is valid for schema and parser, and supported", "[config]") {
    int count = 0;
    for (const auto &file : std::filesystem::directory_iterator(SOURCE_DIR "/deploy/examples")) {
        INFO(file.path());
        const auto document = json_file(file.path());
        CHECK(schema_accepts(document));
        CHECK(config::unsupported_features(manifest_of(document)).empty());
        ++count;
    }
    CHECK(count >= 4);
}

TEST_CASE("schema: accepts exported manifests", "[config]") {
    std::mt19937_64 random(11);
    for (int i = 0; i < 30; ++i) {
        const auto document = json::parse(config::export_manifest(random_manifest(random)).dump());
        INFO(document.dump(2));
        REQUIRE(schema_accepts(document));
    }
}

TEST_CASE("schema: rejects the same values as the parser", "[config]") {
    const std::string check = "/targetGroups/0/healthCheck";
    const std::vector<std::pair<std::string, json>> bad = {
        {"/version", 2},
        {"/x", 1},
        {"/node", nullptr},
        {"/node/tunnel/x", 1},
        {"/node/tunnel/vlan", 0},
        {"/node/tunnel/vlan", {1}},
        {"/node/tunnel/vlan", {1, 4095}},
        {"/node/tunnel/address", "10.1.0"},
        {"/node/tunnel/address", "2001:db8::1"},
        {"/node/tunnel/interface", "a/b"},
        {"/node/tunnel/interface", ".."},
        {"/node/markMask", "0x"},
        {"/node/markMask", "0x100000000"},
        {"/node/hashSeed", std::string(65, '0')},
        {"/node/hashSeed", "001122334455667"},
        {"/node/flowTable", {{"capacity", 4095}}},
        {"/node/ownAddresses", {"10.0.0.0/0"}},
        {"/node/xdp", "Shared"},
        {"/endpoints", json::object()},
        {"/endpoints/0", 1},
        {"/endpoints/0/name", "a b"},
        {"/endpoints/0/id", 1},
        {"/endpoints/0/id", "vpce-1"},
        {"/endpoints/0/attachmentId", -1},
        {"/endpoints/0/attachmentId", 9007199254740994},
        {"/endpoints/0/interfaces", json::array()},
        {"/endpoints/0/interfaces/0", {{"name", "a"}, {"vlans", 1}}},
        {"/endpoints/0/interfaces/0", {{"vlan", 1}}},
        {"/endpoints/0/mssClamp", 535},
        {"/endpoints/0/mssClamp", "on"},
        {"/endpoints/0/routeTable", 0},
        {"/endpoints/0/newFlowsPerSourcePerSecond", 1000001},
        {"/targetGroups/0/deregistrationDelaySeconds", 3601},
        {"/targetGroups/0/deregistrationDelaySeconds", 0.5},
        {"/targetGroups/0/idleTimeout", {{"tcpSeconds", 59}}},
        {"/targetGroups/0/dialect", "gcp"},
        {"/targetGroups/0/targets/0/weight", 1001},
        {"/targetGroups/0/targets/0/port", 0},
        {check, {{"path", "/a b"}}},
        {check, {{"path", "a"}}},
        {check, {{"host", "a/b"}}},
        {check, {{"matcher", "200-"}}},
        {check, {{"caFile", "ca.pem"}}},
        {check, {{"timeoutSeconds", 0.04}}},
        {check, {{"passive", 1}}},
        {check, {{"passive", json::object()}}},
        {check, {{"passive", {{"windowMilliseconds", 19}}}}},
        {check, {{"inBand", {{"port", 0}}}}},
        {"/flowLog", {{"file", "f"}}},
        {"/flowLog", {{"ipfix", json::object()}}},
    };
    for (const auto &[pointer, value] : bad) {
        INFO(pointer << " = " << value.dump());
        const auto document = with(pointer, value);
        CHECK_FALSE(schema_accepts(document));
        CHECK_FALSE(errors_in(document).empty());
    }
}

TEST_CASE("schema: the parser rejects everything that the schema rejects", "[config]") {
    const std::vector<json> values = {nullptr,
                                      true,
                                      0,
                                      1,
                                      -1,
                                      4096,
                                      70000,
                                      0.5,
                                      1e30,
                                      "",
                                      "a",
                                      "0x1",
                                      "off",
                                      "auto",
                                      "..",
                                      "10.1.0.77",
                                      "::",
                                      "2001:db8::5",
                                      "hold",
                                      "drop",
                                      json::array(),
                                      {1, 2},
                                      {"a"},
                                      json::object(),
                                      {{"name", "a"}}};
    std::mt19937_64 random(5);
    int rejected = 0;
    for (int i = 0; i < 1500; ++i) {
        auto document = json::parse(config::export_manifest(random_manifest(random)).dump());
        const auto all = all_pointers(document);
        const json::json_pointer at(all[random() % all.size()]);
        const auto &value = values[random() % values.size()];
        document[at] = value;
        INFO(at.to_string() << " = " << value.dump());
        if (!schema_accepts(document)) {
            ++rejected;
            REQUIRE_FALSE(errors_in(document).empty());
        }
    }
    CHECK(rejected > 500);
}

TEST_CASE("schema: has the same defaults as the parser", "[config]") {
    // The sample sets no member that has a default; an export contains all of them.
    const auto exported = json::parse(config::export_manifest(manifest_of(sample())).dump());
    int compared = 0;
    const std::function<void(const json &, const json &)> compare = [&](const json &schema,
                                                                        const json &value) {
        if (schema.contains("default") && !value.is_array()) {
            CHECK((schema["default"] == value || (schema["default"] == 0 && value == "0x0")));
            ++compared;
        }
        if (value.is_object() && schema.contains("properties"))
            for (const auto &[name, member] : value.items())
                compare(schema["properties"][name], member);
        if (value.is_array() && schema.contains("items"))
            for (const auto &element : value)
                compare(schema["items"], element);
    };
    compare(schema_document(), exported);
    CHECK(compared > 40);
}
