#include <catch2/catch.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <random>

#include <fmt/format.h>

#include "controller/plan/maglev.h"

using namespace glb;
using namespace glb::plan;

namespace {

std::vector<MaglevTarget> targets_with(const std::vector<std::uint32_t> &weights) {
    std::vector<MaglevTarget> targets;
    for (std::size_t i = 0; i < weights.size(); ++i)
        targets.push_back({fmt::format("fw-{}", i + 1), weights[i], static_cast<std::uint16_t>(i)});
    return targets;
}

std::vector<std::uint32_t> slots_of(const MaglevTable &table, std::size_t targets) {
    std::vector<std::uint32_t> count(targets, 0);
    for (const auto index : table)
        count.at(index)++; // throws on an empty slot
    return count;
}

// FNV-1a, 64 bits, over each slot's two bytes, low one first.
std::uint64_t checksum(const MaglevTable &table) {
    std::uint64_t hash = 0xcbf29ce484222325u;
    for (const unsigned index : table)
        for (const unsigned byte : {index & 0xffu, index >> 8})
            hash = (hash ^ byte) * 0x100000001b3u;
    return hash;
}

// The share of slots that moved between two targets other than `changed`.
double needless_moves(const MaglevTable &before, const MaglevTable &after, std::uint16_t changed) {
    std::size_t moved = 0;
    for (std::size_t i = 0; i < before.size(); ++i)
        moved += before[i] != after[i] && before[i] != changed && after[i] != changed;
    return static_cast<double>(moved) / static_cast<double>(before.size());
}

std::vector<std::vector<std::uint32_t>> weight_sets() {
    std::vector<std::vector<std::uint32_t>> sets{
        {1},
        {1, 1},
        {1, 1, 1},
        {1, 2, 3, 4, 5},
        {1, 1000},
        {1000, 1, 1, 1, 1000},
        {7, 0, 3},
        {1000, 999, 1},
        {4294967295u, 1},
        {4294967295u, 4294967295u, 1},
    };
    sets.push_back(std::vector<std::uint32_t>(100, 5));
    sets.push_back(std::vector<std::uint32_t>(1000, 1));
    auto one_large = std::vector<std::uint32_t>(1000, 1);
    one_large[500] = 1000;
    sets.push_back(one_large);
    auto one_small = std::vector<std::uint32_t>(1000, 1000);
    one_small[500] = 1;
    sets.push_back(one_small);
    std::mt19937 random(1);
    for (int i = 0; i < 30; ++i) {
        std::vector<std::uint32_t> weights(1 + random() % 200);
        for (auto &weight : weights)
            weight = static_cast<std::uint32_t>(random() % 1001);
        weights[0] = 1; // at least one is not 0
        sets.push_back(weights);
    }
    return sets;
}

} // namespace

TEST_CASE("maglev: shares match weights within 1 percent, or one slot for small shares", "[maglev]") {
    for (const auto &weights : weight_sets()) {
        double total = 0;
        for (const auto weight : weights)
            total += weight;
        const auto table = build_maglev(targets_with(weights));
        REQUIRE(table.size() == maglev_slots);
        const auto slots = slots_of(table, weights.size());
        for (std::size_t i = 0; i < weights.size(); ++i) {
            INFO(weights.size() << " targets, weight " << weights[i] << " of " << total << ", " << slots[i]);
            const double exact = maglev_slots * (weights[i] / total);
            CHECK(std::abs(slots[i] - exact) <= std::max(1.0, exact * 0.01));
            CHECK((slots[i] == 0) == (weights[i] == 0));
        }
    }
}

TEST_CASE("maglev: no targets or only weights of 0 leave all slots empty", "[maglev]") {
    const MaglevTable empty(maglev_slots, maglev_no_target);
    CHECK(build_maglev({}) == empty);
    CHECK(build_maglev(targets_with({0, 0})) == empty);
}

TEST_CASE("maglev: each target with a weight owns a slot, even with a share below one", "[maglev]") {
    std::vector<std::uint32_t> weights(60000, 1);
    weights[7] = 4000000;
    const auto slots = slots_of(build_maglev(targets_with(weights)), weights.size());
    CHECK(*std::min_element(slots.begin(), slots.end()) == 1);
    CHECK(slots[7] == maglev_slots - (weights.size() - 1));
}

TEST_CASE("maglev: list order and indexes have no influence", "[maglev]") {
    std::mt19937 random(2);
    const auto sorted = targets_with({3, 1, 4, 1, 5, 9, 2, 6, 1000, 0, 5});
    const auto table = build_maglev(sorted);
    auto shuffled = sorted;
    for (int i = 0; i < 5; ++i) {
        std::shuffle(shuffled.begin(), shuffled.end(), random);
        CHECK(build_maglev(shuffled) == table);
    }
    auto with_other_indexes = sorted;
    for (auto &target : with_other_indexes)
        target.index = static_cast<std::uint16_t>(target.index + 100);
    auto expected = table;
    for (auto &slot : expected)
        slot = static_cast<std::uint16_t>(slot + 100);
    CHECK(build_maglev(with_other_indexes) == expected);
}

TEST_CASE("maglev: adding and removing a target restores the table", "[maglev]") {
    auto targets = targets_with({1, 1, 2, 3});
    const auto before = build_maglev(targets);
    targets.insert(targets.begin() + 1, {"between", 5, 9});
    CHECK(build_maglev(targets) != before);
    targets.erase(targets.begin() + 1);
    CHECK(build_maglev(targets) == before);
}

TEST_CASE("maglev: adding or removing a target moves few slots of others", "[maglev]") {
    struct Case {
        std::vector<std::uint32_t> weights;
        double most;
    };
    const std::vector<Case> cases{
        {{1, 1, 1}, 0.03},
        {std::vector<std::uint32_t>(10, 1), 0.03},
        {std::vector<std::uint32_t>(100, 1), 0.03},
        {{1, 2, 3, 4, 5, 6, 7, 8}, 0.05},
        {{1, 1, 1, 1000, 1000}, 0.03},
    };
    for (const auto &c : cases) {
        const auto targets = targets_with(c.weights);
        const auto before = build_maglev(targets);
        for (std::size_t removed = 0; removed < targets.size(); removed += 1 + targets.size() / 10) {
            auto fewer = targets;
            fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(removed));
            const auto moved =
                needless_moves(before, build_maglev(fewer), static_cast<std::uint16_t>(removed));
            INFO(targets.size() << " targets without number " << removed << ": moved " << moved);
            CHECK(moved <= c.most);
        }
    }
}

TEST_CASE("maglev: slots of a failed target are spread over all others", "[maglev]") {
    const auto targets = targets_with(std::vector<std::uint32_t>(5, 1));
    const auto before = build_maglev(targets);
    const auto after = build_maglev(std::span(targets).first(4));
    std::vector<double> receivers(4, 0);
    for (std::size_t i = 0; i < before.size(); ++i)
        if (before[i] == 4)
            receivers.at(after[i])++;
    for (const auto receiver : receivers)
        CHECK(receiver == Approx(maglev_slots / 5.0 / 4).epsilon(0.1));
}

TEST_CASE("maglev: tables are stable across releases", "[maglev]") {
    CHECK(checksum(build_maglev(targets_with({1, 1, 1}))) == 0xa122fe905c4e694fu);
    CHECK(checksum(build_maglev(targets_with({1, 10, 100, 1000, 0, 7}))) == 0xd88500bd7e22717du);
}

TEST_CASE("maglev: build time for 1,000 targets", "[maglev]") {
    auto weights = std::vector<std::uint32_t>(1000, 1);
    for (const auto giant : {1u, 1000u}) {
        weights[0] = giant;
        const auto targets = targets_with(weights);
        const auto start = std::chrono::steady_clock::now();
        const auto table = build_maglev(targets);
        const std::chrono::duration<double, std::milli> spent = std::chrono::steady_clock::now() - start;
        CHECK(slots_of(table, targets.size()).size() == 1000);
        WARN("1,000 targets, one of weight " << giant << ": " << spent.count() << " ms");
    }
}
