#include <catch2/catch.hpp>

#include "controller/control/confirmation.h"
#include "controller/state/boot_time.h"

using namespace glb;
using namespace glb::control;
using namespace std::chrono_literals;
using TimePoint = std::chrono::steady_clock::time_point;

TEST_CASE("boot time: a time point survives a round trip within one boot", "[state]") {
    const auto now = std::chrono::steady_clock::now();
    auto persisted = state::to_json_time(now);
    CHECK(state::time_from_json(persisted) == now);
    persisted["boot"] = "another";
    CHECK(state::time_from_json(persisted) == TimePoint{});
    for (const auto &invalid : {nlohmann::json(), nlohmann::json(5), nlohmann::json{{"boot", 1}}})
        CHECK(state::time_from_json(invalid) == TimePoint{});
}

TEST_CASE("confirmation: applies to one manifest, identified by its content", "[state]") {
    const Confirmation pending{manifest_digest("new"), "old", TimePoint{500s}};
    CHECK(pending.concerns("new"));
    CHECK_FALSE(pending.concerns("old"));
    const auto read = Confirmation::from_json(pending.to_json());
    REQUIRE(read);
    CHECK(read->concerns("new"));
    CHECK(read->revert_to == "old");
    CHECK(read->until == TimePoint{500s});
    const Confirmation first{manifest_digest("new"), {}, TimePoint{500s}};
    REQUIRE(Confirmation::from_json(first.to_json()));
    CHECK_FALSE(Confirmation::from_json(first.to_json())->revert_to);
}

TEST_CASE("confirmation: expired after a reboot, and absent if invalid", "[state]") {
    auto persisted = Confirmation{manifest_digest("new"), "old", TimePoint{500s}}.to_json();
    persisted["until"]["boot"] = "another";
    REQUIRE(Confirmation::from_json(persisted));
    CHECK(Confirmation::from_json(persisted)->until == TimePoint{});
    persisted["revertTo"] = 7;
    CHECK_FALSE(Confirmation::from_json(persisted));
    CHECK_FALSE(Confirmation::from_json(nullptr));
    CHECK_FALSE(Confirmation::from_json({{"manifest", "x"}}));
}

TEST_CASE("digest: SHA-256 (FIPS 180-4, example of one block)", "[state]") {
    CHECK(manifest_digest("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}
