// OutlierDetector: legitimate behaviour of appliances never ejects one, over thousands of seeds per scenario.
#include <catch2/catch.hpp>

#include <cstdlib>
#include <tuple>

#include "tests/unit/health/traffic_sim.h"

using namespace glb;
using namespace glb::test;
using Kind = health::DetectorAction::Kind;

namespace {

// GLB_SIM_SEEDS overrides the number of seeds per scenario.
unsigned seeds(unsigned default_seeds) {
    const char *text = std::getenv("GLB_SIM_SEEDS");
    return text ? static_cast<unsigned>(std::atoi(text)) : default_seeds;
}

/// Runs `scenario(seed, in_band_works)` for each seed, and reports each ejection.
template <typename Scenario>
void never_ejects(unsigned default_seeds, Scenario scenario) {
    std::size_t suspects = 0;
    for (unsigned seed = 0; seed < seeds(default_seeds); ++seed) {
        const TrafficSim sim = scenario(seed, seed % 2 == 0);
        suspects += sim.count(Kind::clear);
        for (const auto &row : sim.actions())
            if (row.action.kind != Kind::clear) {
                INFO("seed " << seed << ", at " << row.at.count() << " us, target " << row.action.target
                             << ": " << row.action.description);
                FAIL("false positive");
            }
    }
    WARN(seeds(default_seeds) << " seeds, " << suspects << " cleared");
}

} // namespace

TEST_CASE("false positives: firewall that denies 95 % of all flows", "[passive]") {
    never_ejects(1000, [](unsigned seed, bool in_band) {
        std::mt19937 random(seed);
        std::map<std::size_t, bool> permitted;
        TrafficSim sim(seed, 3, [=](const SimPacket &packet) mutable -> std::optional<Micros> {
            if (packet.endpoint < 0)
                return in_band ? std::optional(quick(random)) : std::nullopt;
            if (!permitted.try_emplace(packet.flow, random() % 100 < 5).first->second)
                return std::nullopt;
            return quick(random);
        });
        for (int i = 0; i < 1200; ++i) {
            const auto start = sim.chance(0s, 4s);
            sim.add({.start = start,
                     .pause = 30ms,
                     .end = start + sim.chance(50ms, 500ms),
                     .syn = sim.chance(0.8)});
        }
        sim.run(5s);
        return sim;
    });
}

TEST_CASE("false positives: one blocked flow of 20, and any number of them while one returns", "[passive]") {
    never_ejects(1000, [](unsigned seed, bool in_band) {
        const auto blocked = seed % 4 < 2 ? 1 : 1 + seed % 19;
        std::mt19937 random(seed);
        const auto when = Micros(500'000 + random() % 500'000);
        TrafficSim sim(seed, 2, [=](const SimPacket &packet) mutable -> std::optional<Micros> {
            if (packet.endpoint < 0)
                return in_band ? std::optional(quick(random)) : std::nullopt;
            if (packet.flow < blocked && packet.at > when)
                return std::nullopt;
            return quick(random);
        });
        for (int i = 0; i < 20; ++i)
            sim.add({.target = std::uint16_t{0}, .start = Micros(i), .pause = 10ms});
        for (int i = 0; i < 10; ++i)
            sim.add({.target = std::uint16_t{1}, .start = Micros(100 + i), .pause = 10ms});
        sim.run(3s);
        return sim;
    });
}

TEST_CASE("false positives: appliance delayed by 30 ms under load, 50 times", "[passive]") {
    never_ejects(1000, [](unsigned seed, bool in_band) {
        std::mt19937 random(seed);
        std::vector<Micros> delays;
        for (int i = 0; i < 50; ++i)
            delays.emplace_back(200'000 + 80'000 * i + static_cast<long long>(random() % 40'000));
        TrafficSim sim(seed, 2, [=](const SimPacket &packet) mutable -> std::optional<Micros> {
            if (packet.endpoint < 0 && !in_band)
                return std::nullopt;
            if (packet.target == 0)
                for (const auto delay : delays)
                    if (packet.at >= delay && packet.at < delay + 30ms)
                        return delay + 30ms - packet.at + quick(random);
            return quick(random);
        });
        for (int i = 0; i < 40; ++i)
            sim.add({.start = Micros(i), .pause = 8ms});
        sim.run(4500ms);
        return sim;
    });
}

TEST_CASE("false positives: firewall that expires idle flows", "[passive]") {
    never_ejects(1000, [](unsigned seed, bool in_band) {
        std::mt19937 random(seed);
        TrafficSim sim(seed, 3, [=](const SimPacket &packet) mutable -> std::optional<Micros> {
            if (packet.endpoint < 0)
                return in_band ? std::optional(quick(random)) : std::nullopt;
            if (packet.at > 2s && packet.flow % 3 == 0) // expired by the firewall
                return std::nullopt;
            return quick(random);
        });
        for (int i = 0; i < 60; ++i)
            sim.add({.start = sim.chance(0s, 500ms), .pause = 2s});
        sim.run(20s);
        return sim;
    });
}

TEST_CASE("false positives: appliances that drop the first 800 ms of a new endpoint", "[passive]") {
    never_ejects(1000, [](unsigned seed, bool in_band) {
        std::mt19937 random(seed);
        std::map<std::pair<std::uint16_t, int>, Micros> first;
        TrafficSim sim(seed, 3, [=](const SimPacket &packet) mutable -> std::optional<Micros> {
            if (packet.endpoint < 0 && !in_band)
                return std::nullopt;
            const auto first_at =
                first.try_emplace({packet.target, packet.endpoint}, packet.at).first->second;
            if (packet.at < first_at + 800ms)
                return std::nullopt;
            return quick(random);
        });
        // One target receives the endpoint late, while its siblings return everything; in a burst, or at a
        // steady rate.
        for (std::uint16_t target = 0; target < 3; ++target) {
            const auto from = target == 0 ? Micros(2s) : Micros(0s);
            const auto spread = seed % 3 == 0 ? Micros(300ms) : Micros(4s);
            for (int i = 0; i < 60; ++i)
                sim.add({.target = target, .start = from + sim.chance(0s, spread), .pause = 80ms});
        }
        // All targets receive another endpoint later.
        for (int i = 0; i < 60; ++i)
            sim.add({.endpoint = 1, .start = 3s + sim.chance(0s, 1s), .pause = 80ms, .syn = sim.chance(0.5)});
        sim.run(8s);
        return sim;
    });
}

TEST_CASE("false positives: appliance that drops the reserved endpoint but returns traffic", "[passive]") {
    never_ejects(1000, [](unsigned seed, bool) {
        std::mt19937 random(seed);
        const auto until = Micros(random() % 3'000'000); // it may have accepted it at first
        TrafficSim sim(seed, 2, [=](const SimPacket &packet) mutable -> std::optional<Micros> {
            if (packet.endpoint < 0 && packet.at > until)
                return std::nullopt;
            return quick(random);
        });
        for (int i = 0; i < 40; ++i)
            sim.add({.start = sim.chance(0s, 1s), .pause = i < 10 ? Micros(5ms) : Micros(500ms)});
        sim.run(8s);
        return sim;
    });
}

TEST_CASE("false positives: controller that was delayed, or stalled with all appliances", "[passive]") {
    never_ejects(1000, [](unsigned seed, bool in_band) {
        std::mt19937 random(seed);
        std::vector<std::pair<Micros, Micros>> stalls;
        for (auto at = 500ms + Micros(random() % 100'000); at < 3s;) {
            const auto length = Micros(25'000 + random() % 400'000);
            stalls.emplace_back(at, at + length);
            at += length + Micros(random() % 150'000);
        }
        // Appliances stall as well and resume at the same moment; their packets are lost.
        TrafficSim sim(seed, 2, [=](const SimPacket &packet) mutable -> std::optional<Micros> {
            if (packet.endpoint < 0 && !in_band)
                return std::nullopt;
            for (const auto &[from, to] : stalls)
                if (packet.at >= from && packet.at < to)
                    return std::nullopt;
            return quick(random);
        });
        for (const auto &[from, to] : stalls)
            sim.stall(from, to);
        for (int i = 0; i < 60; ++i)
            sim.add({.start = Micros(i), .pause = 8ms});
        sim.run(4s);
        return sim;
    });
}
