#include <catch2/catch.hpp>

#include "controller/control/confirmation.h"
#include "controller/state/boot_time.h"

using namespace glb;
using namespace std::chrono_literals;
using Moment = std::chrono::steady_clock::time_point;

TEST_CASE("moment: comes back as it was, within this boot", "[state]") {
    const auto now = std::chrono::steady_clock::now();
    auto kept = to_json_time(now);
    CHECK(time_from_json(kept) == now);
    kept["boot"] = "another";
    CHECK(time_from_json(kept) == Moment{});
    for (const auto &nonsense : {nlohmann::json(), nlohmann::json(5), nlohmann::json{{"boot", 1}}})
        CHECK(time_from_json(nonsense) == Moment{});
}

TEST_CASE("confirmation: belongs to one manifest, by its content", "[state]") {
    const Confirmation waits{manifest_digest("new"), "old", Moment{500s}};
    CHECK(waits.concerns("new"));
    CHECK_FALSE(waits.concerns("old"));
    const auto read = Confirmation::from_json(waits.to_json());
    REQUIRE(read);
    CHECK(read->concerns("new"));
    CHECK(read->revert_to == "old");
    CHECK(read->until == Moment{500s});
    const Confirmation first{manifest_digest("new"), {}, Moment{500s}};
    REQUIRE(Confirmation::from_json(first.to_json()));
    CHECK_FALSE(Confirmation::from_json(first.to_json())->revert_to);
}

TEST_CASE("confirmation: of another boot its time is over; nonsense is none", "[state]") {
    auto kept = Confirmation{manifest_digest("new"), "old", Moment{500s}}.to_json();
    kept["until"]["boot"] = "another";
    REQUIRE(Confirmation::from_json(kept));
    CHECK(Confirmation::from_json(kept)->until == Moment{});
    kept["revertTo"] = 7;
    CHECK_FALSE(Confirmation::from_json(kept));
    CHECK_FALSE(Confirmation::from_json(nullptr));
    CHECK_FALSE(Confirmation::from_json({{"manifest", "x"}}));
}

TEST_CASE("digest: SHA-256 (FIPS 180-4, example of one block)", "[state]") {
    CHECK(manifest_digest("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}
