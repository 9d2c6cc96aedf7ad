#include <catch2/catch.hpp>

#include <chrono>

#include "controller/control/persisted_targets.h"
#include "controller/state/boot_time.h"

using namespace glb;
using namespace glb::control;
using namespace glb::health;
using namespace std::chrono_literals;
using nlohmann::json;

TEST_CASE("persisted targets: all members survive a round trip", "[persisted]") {
    const MonotonicTime until{1234s + 5ns};
    PersistedTargets targets;
    targets.health["g/a"] = {TargetState::healthy, HealthReason::none, 0, true};
    targets.health["g/b"] = {
        TargetState::unhealthy, HealthReason::no_return_traffic, 7, false, "4 flows unanswered",
        "10.1.0.12:6081"};
    targets.removed["g/b"] = {until, config::FailurePolicy::reset};
    targets.removed["g/c"] = {until + 1s, config::FailurePolicy::hold};
    targets.operator_drains["g/a"] = until + 2s;
    CHECK(persisted_targets(health_to_json(targets), drains_to_json(targets)) == targets);
}

TEST_CASE("persisted targets: every state and reason survives a round trip", "[persisted]") {
    for (int state = 0; state <= static_cast<int>(TargetState::unavailable); ++state)
        for (int reason = 0; reason <= static_cast<int>(HealthReason::health_check_disabled); ++reason) {
            PersistedTargets targets;
            targets.health["g/a"] = {static_cast<TargetState>(state), static_cast<HealthReason>(reason), 1,
                                     false};
            CHECK(persisted_targets(health_to_json(targets), nullptr) == targets);
        }
}

TEST_CASE("persisted targets: file format", "[persisted]") {
    const MonotonicTime until{1234s};
    PersistedTargets targets;
    CHECK(health_to_json(targets) == json::object());
    CHECK(drains_to_json(targets).is_null());
    targets.health["g/a"] = {TargetState::unhealthy, HealthReason::timeout, 2, true};
    CHECK(drains_to_json(targets).is_null());
    targets.operator_drains["g/a"] = until;
    targets.removed["g/b"] = {until, config::FailurePolicy::hold};
    CHECK(health_to_json(targets) ==
          json{{"g/a",
                {{"state", "unhealthy"}, {"reason", "Target.Timeout"}, {"failures", 2}, {"inBand", true}}}});
    CHECK(drains_to_json(targets) ==
          json{{"ordered", {{"g/a", {{"until", state::to_json_time(until)}}}}},
               {"removed", {{"g/b", {{"until", state::to_json_time(until)}, {"policy", "hold"}}}}}});
}

TEST_CASE("persisted targets: invalid health is skipped", "[persisted]") {
    CHECK(persisted_targets(json::array(), nullptr) == PersistedTargets{});
    CHECK(persisted_targets(nullptr, nullptr) == PersistedTargets{});
    const auto targets = persisted_targets({{"g/a", 5},
                                            {"g/b", {{"state", 7}, {"reason", nullptr}}},
                                            {"g/c", {{"state", "splendid"}}},
                                            {"g/d", {{"state", "healthy"}, {"reason", "unknown"}}},
                                            {"g/e", {{"state", "healthy"}, {"failures", -1}}},
                                            {"g/f", {{"state", "healthy"}, {"inBand", "yes"}}}},
                                           nullptr);
    const PersistedHealth healthy{TargetState::healthy, HealthReason::none, 0, false};
    CHECK(targets.health ==
          std::map<std::string, PersistedHealth>{{"g/d", healthy}, {"g/e", healthy}, {"g/f", healthy}});
}

TEST_CASE("persisted targets: invalid drains are skipped, those of another boot have expired",
          "[persisted]") {
    CHECK(persisted_targets(nullptr, 7) == PersistedTargets{});
    CHECK(persisted_targets(nullptr, {{"ordered", 1}, {"removed", {{"g/a", 2}}}}) == PersistedTargets{});

    PersistedTargets earlier;
    earlier.operator_drains["g/b"] = earlier.removed["g/c"].until = std::chrono::steady_clock::now() + 100s;
    auto drains = drains_to_json(earlier);
    drains["ordered"]["g/b"]["until"]["boot"] = "another";
    drains["removed"]["g/c"]["until"] = "tomorrow";
    drains["removed"]["g/c"]["policy"] = "unknown";
    const auto targets = persisted_targets(nullptr, drains);
    CHECK(targets.operator_drains.at("g/b") < std::chrono::steady_clock::now());
    CHECK(targets.removed.at("g/c").until < std::chrono::steady_clock::now());
    CHECK(targets.removed.at("g/c").policy == config::FailurePolicy::rehash);
}
