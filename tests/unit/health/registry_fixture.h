// A target registry with a clock, for tests: a group "g" of an endpoint "web".
#pragma once

#include <catch2/catch.hpp>

#include "controller/health/target_registry.h"
#include "tests/unit/health/target_state_values.h"

namespace glb::test {

using namespace std::chrono_literals;

inline health::HealthTarget target_at(const std::string &id, std::uint16_t index) {
    return {id, *IpAddress::parse("192.0.2." + std::to_string(index + 1)), 6081, 1, index};
}

inline health::HealthGroup group_of(const std::string &name, const std::vector<std::string> &targets,
                                    config::FailurePolicy on_deregistered = config::FailurePolicy::rehash,
                                    std::uint16_t index = 0) {
    health::HealthGroup group;
    group.name = name;
    group.index = index;
    group.endpoints = {"web"};
    group.deregistration_delay = 100s;
    group.on_deregistered = on_deregistered;
    for (const auto &id : targets) {
        const auto number = static_cast<std::uint16_t>(id.back() - 'a');
        group.targets.push_back({id, *IpAddress::parse("192.0.2." + std::to_string(number + 1)), 6081, 1,
                                 static_cast<std::uint16_t>(index * 100 + number)});
    }
    return group;
}

inline health::HealthConfig config_of(const std::vector<std::string> &targets,
                                      config::FailurePolicy on_deregistered = config::FailurePolicy::rehash) {
    health::HealthConfig config;
    config.generation = 1;
    config.groups.push_back(group_of("g", targets, on_deregistered));
    return config;
}

struct RegistryFixture {
    std::vector<std::string> transitions;
    MonotonicTime now{1000s};
    health::TargetRegistry registry{
        [this](const health::TargetEntry &entry, const health::HealthTransition &change) {
            transitions.push_back(entry.name + " " + std::string(to_string(change.to)));
        }};
    std::vector<health::RemovedTarget> removed;

    void set(const health::HealthConfig &config) { registry.configure(config, now); }
    void probe(const std::string &name, health::ProbeOutcome outcome, int times = 1) {
        health::ProbeResult result;
        result.outcome = outcome;
        for (int i = 0; i < times; ++i)
            registry.on_probe(name, result, now);
    }
    const health::TargetEntry &entry(const std::string &name) { return registry.entries().at(name); }
    health::TargetState state(const std::string &name) { return entry(name).health.state(); }
    /// GLB_TARGET_* flags.
    std::uint64_t flags(const std::string &name) {
        const auto row = registry.group_state(entry(name).group, now);
        REQUIRE(row);
        for (std::size_t i = 0; i < row->indexes.size(); ++i)
            if (row->indexes[i] == entry(name).target.index)
                return row->state.targets[i];
        FAIL("no target state for " << name);
        return 0;
    }
    std::vector<std::string> remove_drained(std::uint64_t flows) {
        removed = registry.remove_drained([&](std::uint16_t) { return flows; }, now);
        std::vector<std::string> names;
        for (const auto &target : removed)
            names.push_back(target.name);
        return names;
    }
};

/// Of the error; 0: none.
inline int code_of(const Result<std::optional<MonotonicTime>> &result) {
    return result ? 0 : result.error().code;
}

} // namespace glb::test
