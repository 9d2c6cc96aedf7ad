// A valid manifest, and checks of the errors when members are replaced.
#pragma once

#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "controller/config/parser.h"

namespace glb::config {

// For Catch2's messages.
inline std::ostream &operator<<(std::ostream &out, const ManifestError &error) {
    return out << error.pointer << ": " << error.message;
}

} // namespace glb::config

namespace glb::test {

inline nlohmann::json sample() {
    return nlohmann::json::parse(R"({
        "version": 1,
        "node": {"tunnel": {"interface": "under0", "address": "10.1.0.1"}},
        "endpoints": [
            {"name": "branch", "id": "0x1", "interfaces": ["cli0", "srv0"], "targetGroup": "firewalls"},
            {"name": "office", "id": "0x2", "interfaces": [{"name": "eth1", "vlan": 100}], "targetGroup": "firewalls"}
        ],
        "targetGroups": [
            {"name": "firewalls", "targets": [
                {"id": "fw-1", "address": "10.1.0.11"}, {"id": "fw-2", "address": "10.1.0.12"}]}
        ]
    })");
}

/// The sample with the value at `pointer` replaced or added.
inline nlohmann::json with(const std::string &pointer, const nlohmann::json &value,
                           nlohmann::json document = sample()) {
    document[nlohmann::json::json_pointer(pointer)] = value;
    return document;
}

inline std::vector<config::ManifestError> errors_in_text(std::string_view text) {
    const auto manifest = config::parse_manifest(text);
    return manifest ? std::vector<config::ManifestError>{} : manifest.error();
}

inline std::vector<config::ManifestError> errors_in(const nlohmann::json &document) {
    return errors_in_text(document.dump());
}

inline config::Manifest manifest_of(const nlohmann::json &document) {
    auto manifest = config::parse_manifest(document.dump());
    if (!manifest)
        for (const auto &error : manifest.error())
            UNSCOPED_INFO(error.pointer << ": " << error.message);
    REQUIRE(manifest);
    return *std::move(manifest);
}

/// With `value` at `pointer` the manifest has exactly one error, at `at`, whose message contains `text`.
inline void check_rejected(const std::string &pointer, const nlohmann::json &value, const std::string &text,
                           const std::string &at = "same") {
    const auto errors = errors_in(with(pointer, value));
    INFO(pointer << " = " << value.dump());
    for (const auto &error : errors)
        UNSCOPED_INFO(error.pointer << ": " << error.message);
    REQUIRE(errors.size() == 1);
    CHECK(errors.front().pointer == (at == "same" ? pointer : at));
    CHECK_THAT(errors.front().message, Catch::Contains(text));
}

inline void check_accepted(const std::string &pointer, const nlohmann::json &value) {
    INFO(pointer << " = " << value.dump());
    CHECK(errors_in(with(pointer, value)) == std::vector<config::ManifestError>{});
}

} // namespace glb::test
