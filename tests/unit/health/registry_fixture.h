// A fleet with its book and a clock, for tests: a group "g" of an endpoint "web".
#pragma once

#include <catch2/catch.hpp>

#include "controller/health/target_registry.h"

namespace glb::test {

using namespace std::chrono_literals;

inline Manifest manifest_of(const std::vector<std::string> &targets,
                            FailurePolicy on_deregistered = FailurePolicy::rehash) {
    Manifest manifest;
    TargetGroup group;
    group.name = "g";
    group.deregistration_delay = 100s;
    group.on_deregistered = on_deregistered;
    for (const auto &id : targets)
        group.targets.push_back({id, *IpAddress::parse("192.0.2." + std::to_string(id.back() - 'a' + 1))});
    manifest.target_groups.push_back(group);
    Endpoint endpoint;
    endpoint.name = "web";
    endpoint.target_group = "g";
    manifest.endpoints.push_back(endpoint);
    return manifest;
}

struct Machine {
    IndexAllocator book;
    std::vector<std::string> told;
    MonotonicTime now{1000s};
    TargetRegistry fleet{[this](const TargetEntry &member, const HealthTransition &change) {
        told.push_back(member.name + " " + std::string(to_string(change.to)));
    }};

    void set(const Manifest &manifest) {
        for (const auto &group : manifest.target_groups) {
            REQUIRE(book.claim(IndexAllocator::Kind::group, group.name));
            for (const auto &target : group.targets)
                REQUIRE(book.claim(IndexAllocator::Kind::target, target_name(group.name, target.id)));
        }
        fleet.set_manifest(manifest, book, now);
    }
    void probe(const std::string &name, ProbeOutcome outcome, int times = 1) {
        ProbeResult result;
        result.outcome = outcome;
        for (int i = 0; i < times; ++i)
            fleet.on_probe(name, result, now);
    }
    TargetState state(const std::string &name) { return fleet.members().at(name).health.state(); }
    std::uint64_t word(const std::string &name) {
        const auto index = fleet.members().at(name).index;
        for (const auto &row : fleet.group_states(now))
            for (std::size_t i = 0; i < row.indexes.size(); ++i)
                if (row.indexes[i] == index)
                    return row.words.targets[i];
        FAIL("no word for " << name);
        return 0;
    }
    std::vector<std::string> finish(std::uint64_t flows) {
        std::vector<std::string> names;
        left = fleet.remove_drained_targets([&](std::uint16_t) { return flows; }, now);
        for (const auto &[name, its_word] : left)
            names.push_back(name);
        return names;
    }
    std::vector<RemovedTarget> left;
};

constexpr std::uint64_t keeps = GLB_TARGET_KEEP_ESTABLISHED | GLB_TARGET_KEEP_EMBRYONIC;

} // namespace glb::test
