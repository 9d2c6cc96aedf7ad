#include "sample.h"

#include "controller/config/manifest_diff.h"
#include "random_manifest.h"

using namespace glb;
using namespace glb::test;
using nlohmann::json;

namespace {

/// `action kind name` per change.
std::vector<std::string> lines(const std::vector<config::ManifestChange> &changes) {
    std::vector<std::string> out;
    for (const auto &change : to_json(changes))
        out.push_back(change["action"].get<std::string>() + ' ' + change["kind"].get<std::string>() + ' ' +
                      change["name"].get<std::string>());
    return out;
}

using Lines = std::vector<std::string>;

} // namespace

TEST_CASE("diff: a first manifest adds everything", "[config]") {
    const auto changes = config::diff_manifests(nullptr, manifest_of(with("/node/name", "glb-a")));
    CHECK(lines(changes) == Lines{"add node glb-a", "add endpoint branch", "add endpoint office",
                                  "add targetGroup firewalls", "add target firewalls/fw-1",
                                  "add target firewalls/fw-2"});
    for (const auto &change : changes) {
        CHECK(change.before.is_null());
        CHECK(change.after.is_object());
    }
}

TEST_CASE("diff: equal manifests and reordered lists have no changes", "[config]") {
    std::mt19937_64 random(7);
    for (int i = 0; i < 100; ++i) {
        const auto manifest = random_manifest(random);
        auto shuffled = manifest;
        std::shuffle(shuffled.endpoints.begin(), shuffled.endpoints.end(), random);
        std::shuffle(shuffled.target_groups.begin(), shuffled.target_groups.end(), random);
        CHECK(config::diff_manifests(&manifest, shuffled).empty());
    }
}

TEST_CASE("diff: a change contains the object before and after", "[config]") {
    const auto before = manifest_of(sample());
    const auto changes =
        config::diff_manifests(&before, manifest_of(with("/targetGroups/0/targets/1/weight", 3)));
    REQUIRE(lines(changes) == Lines{"change target firewalls/fw-2"});
    const auto document = to_json(changes[0]);
    CHECK(document["before"]["weight"] == 1);
    CHECK(document["after"]["weight"] == 3);
    CHECK(document["after"]["address"] == "10.1.0.12");
}

TEST_CASE("diff: a changed target does not change its group, a renamed group replaces its targets",
          "[config]") {
    const auto before = manifest_of(sample());
    auto document = with("/targetGroups/0/stickiness", "2-tuple");
    CHECK(lines(config::diff_manifests(&before, manifest_of(document))) ==
          Lines{"change targetGroup firewalls"});
    document["targetGroups"][0]["name"] = "walls";
    document["endpoints"] = json::array();
    CHECK(lines(config::diff_manifests(&before, manifest_of(document))) ==
          Lines{"remove endpoint branch", "remove endpoint office", "add targetGroup walls",
                "add target walls/fw-1", "add target walls/fw-2", "remove targetGroup firewalls",
                "remove target firewalls/fw-1", "remove target firewalls/fw-2"});
}

TEST_CASE("diff: the flow log is reported with the node", "[config]") {
    const auto before = manifest_of(sample());
    const auto changes = config::diff_manifests(&before, manifest_of(with("/flowLog", {{"file", "/f"}})));
    REQUIRE(lines(changes) == Lines{"change node node"});
    CHECK_FALSE(changes[0].before.contains("flowLog"));
    CHECK(changes[0].after["flowLog"]["file"] == "/f");
}
