// What the passive judge must find, how soon, and whom it must not blame.
#include <catch2/catch.hpp>

#include <tuple>

#include "tests/unit/health/traffic_sim.h"

using namespace glb;
using namespace glb::test;
using Kind = DetectorAction::Kind;

namespace {

Micros quick(std::mt19937 &random) {
    return Micros(200 + random() % 800);
}

struct Silence {
    std::set<std::uint16_t> targets;
    Micros from{};
    bool in_band = true; ///< works until then
};

Treat silent(unsigned seed, const Silence &silence) {
    return [=, random = std::mt19937(seed)](const SimPacket &packet) mutable -> std::optional<Micros> {
        if (packet.endpoint < 0 && !silence.in_band)
            return std::nullopt;
        if (silence.targets.contains(packet.target) && packet.at >= silence.from)
            return std::nullopt;
        return quick(random);
    };
}

} // namespace

TEST_CASE("detection: a target that falls silent under 16 flows is out within 100 ms", "[passive]") {
    Micros worst{}, worst_alone{};
    for (unsigned seed = 0; seed < 1000; ++seed) {
        const bool in_band = seed % 2 == 0;
        const auto when = 2s + Micros(seed * 7 % 10'000);
        TrafficSim sim(seed, 3, silent(seed, {{1}, when, in_band}));
        for (int i = 0; i < 48; ++i)
            sim.add({.target = static_cast<std::uint16_t>(i % 3),
                     .start = Micros(i * 100),
                     .pause = in_band ? 10ms : 5ms});
        sim.run(3s);
        INFO("seed " << seed);
        const auto out = sim.convicted_at(1);
        REQUIRE(out);
        CHECK(sim.count(Kind::convict) == 1);
        CHECK_FALSE(sim.told().front().order.group_outage);
        (in_band ? worst : worst_alone) = std::max(in_band ? worst : worst_alone, *out - when);
    }
    WARN("worst case: " << worst.count() << " us with in-band probes, " << worst_alone.count()
                        << " us without");
    CHECK(worst <= 100ms);
    CHECK(worst_alone <= 130ms); // the sixteenth flow has to send before it is silent
}

TEST_CASE("detection: four silent flows are enough where in-band works, and never where it does not",
          "[passive]") {
    for (unsigned seed = 0; seed < 200; ++seed) {
        const bool in_band = seed % 2 == 0;
        TrafficSim sim(seed, 2, silent(seed, {{0}, 2s, in_band}));
        for (int i = 0; i < 24; ++i)
            sim.add({.target = static_cast<std::uint16_t>(i < 4 ? 0 : 1),
                     .start = Micros(i * 100),
                     .pause = 10ms});
        sim.run(6s);
        INFO("seed " << seed);
        CHECK(sim.convicted_at(0).has_value() == in_band);
    }
}

TEST_CASE(
    "detection: flows that already wait at the start are asked about where in-band worked, and only there",
    "[passive]") {
    const bool worked = GENERATE(true, false), answers = GENERATE(true, false);
    OutlierDetector judge{{}};
    const TargetCounters waits{
        .target = 0, .out = 1000, .back = 900, .silent = 30, .answered = 10, .in_band_worked = worked};
    const TargetCounters works{.target = 1, .out = 1000, .back = 900};
    std::map<Kind, int> orders;
    OutlierDetector::Time now{1000s}, out{};
    for (int poll = 0; poll < 2000; ++poll, now += OutlierDetector::kPoll) {
        auto both = std::array{waits, works};
        both[0].ejected = orders[Kind::convict] > 0;
        both[1].back += static_cast<std::uint64_t>(poll); // it returns all the while
        for (const auto &order : judge.poll(both, now)) {
            CHECK(order.target == 0);
            ++orders[order.kind];
            if (order.kind == Kind::convict)
                out = now;
            if (order.kind == Kind::probe && answers)
                judge.on_answer(0, now);
        }
    }
    CHECK(orders[Kind::convict] == (worked && !answers));
    CHECK(orders[Kind::acquit] == (worked && answers));
    CHECK(orders[Kind::probe] == (worked ? answers ? 1 : 3 : 0));
    if (worked && !answers)
        CHECK(out - OutlierDetector::Time{1000s} <= 100ms);
}

TEST_CASE("detection: three silent flows are not", "[passive]") {
    for (unsigned seed = 0; seed < 200; ++seed) {
        TrafficSim sim(seed, 2, silent(seed, {{0}, 2s}));
        for (int i = 0; i < 20; ++i)
            sim.add({.target = static_cast<std::uint16_t>(i < 3 ? 0 : 1),
                     .start = Micros(i * 100),
                     .pause = 10ms});
        sim.run(6s);
        CHECK(sim.count(Kind::convict) == 0);
    }
}

TEST_CASE("detection: a target that is dead from its first packet is out within 10 s of 200 new flows",
          "[passive]") {
    Micros worst{};
    for (unsigned seed = 0; seed < 400; ++seed) {
        const auto targets = 2 + seed % 4;
        TrafficSim sim(seed, targets, silent(seed, {{0}, 0s, seed % 2 == 0}));
        sim.add({.target = std::uint16_t{1}, .start = 0s}); // the endpoint is known
        const bool burst = seed % 3 == 0; // connections that are tried again, or one-shot datagrams
        for (int i = 0; i < 200; ++i) {
            const auto start = 1s + sim.chance(0s, burst ? Micros(500ms) : Micros(6s));
            sim.add(
                {.start = start, .pause = 50ms, .end = burst ? Micros(24h) : start + 100ms, .syn = burst});
        }
        sim.run(12s);
        INFO("seed " << seed);
        const auto out = sim.convicted_at(0);
        REQUIRE(out);
        CHECK(sim.count(Kind::convict) == 1);
        worst = std::max(worst, *out - 1s);
    }
    WARN("worst case: " << worst.count() << " us after the first of them");
    CHECK(worst <= 10s);
}

TEST_CASE("detection: where whole hosts stay together, one that is denied everything accuses nobody",
          "[passive]") {
    for (unsigned seed = 0; seed < 200; ++seed) {
        const auto drill = [&](bool independent) {
            std::mt19937 random(seed);
            DetectorSettings settings;
            settings.flows_are_independent = independent;
            TrafficSim sim(
                seed, 2,
                [=](const SimPacket &packet) mutable -> std::optional<Micros> {
                    if (packet.endpoint < 0 || (packet.target == 0 && packet.flow >= 20))
                        return std::nullopt;
                    return quick(random);
                },
                settings);
            for (int i = 0; i < 20; ++i)
                sim.add({.start = Micros(i), .pause = 5ms, .end = 500ms});
            for (int i = 0; i < 200; ++i)
                sim.add({.start = 1s + sim.chance(0s, 5s), .pause = 50ms});
            sim.run(10s);
            return sim.count(Kind::convict);
        };
        CHECK(drill(true) == 1);
        CHECK(drill(false) == 0);
    }
}

TEST_CASE("detection: all silent at one moment is a common cause, and half of them stay", "[passive]") {
    for (unsigned seed = 0; seed < 500; ++seed) {
        const auto when = 2s + Micros(seed * 13 % 10'000);
        TrafficSim sim(seed, 4, silent(seed, {{0, 1, 2, 3}, when}));
        for (int i = 0; i < 80; ++i)
            sim.add({.target = static_cast<std::uint16_t>(i % 4), .start = Micros(i * 100), .pause = 8ms});
        sim.run(3s);
        INFO("seed " << seed);
        CHECK(sim.count(Kind::convict) == 2);
        CHECK(sim.count(Kind::spare) == 2);
        for (const auto &told : sim.told())
            if (told.order.kind == Kind::convict)
                CHECK(told.order.group_outage);
    }
}

TEST_CASE("detection: maxEjectedPercent is rounded down, and at least one", "[passive]") {
    const auto [targets, percent, allowed] =
        GENERATE(std::make_tuple(3u, 50u, 1u), std::make_tuple(5u, 50u, 2u), std::make_tuple(3u, 10u, 1u),
                 std::make_tuple(2u, 100u, 2u), std::make_tuple(1u, 50u, 1u));
    DetectorSettings settings;
    settings.max_ejected_percent = percent;
    std::set<std::uint16_t> all;
    for (std::uint16_t i = 0; i < targets; ++i)
        all.insert(i);
    // One after the other: no common cause.
    TrafficSim sim(
        1, targets,
        [random = std::mt19937(1)](const SimPacket &packet) mutable -> std::optional<Micros> {
            if (packet.at > 2s + packet.target * 500ms)
                return std::nullopt;
            return quick(random);
        },
        settings);
    for (unsigned i = 0; i < targets * 20; ++i)
        sim.add({.target = static_cast<std::uint16_t>(i % targets), .start = Micros(i * 100), .pause = 8ms});
    sim.run(6s);
    CHECK(sim.count(Kind::convict) == allowed);
    CHECK(sim.count(Kind::spare) == targets - allowed);
}

TEST_CASE("detection: held up for longer than suspicion takes, an appliance is acquitted by its answer",
          "[passive]") {
    std::size_t acquitted = 0;
    for (unsigned seed = 0; seed < 200; ++seed) {
        // 60 ms: suspected after 40, and back before the third probe's time is over.
        TrafficSim sim(
            seed, 2, [random = std::mt19937(seed)](const SimPacket &packet) mutable -> std::optional<Micros> {
                if (packet.target == 0 && packet.at >= 2s && packet.at < 2060ms)
                    return 2060ms - packet.at + quick(random);
                return quick(random);
            });
        for (int i = 0; i < 40; ++i)
            sim.add({.start = Micros(i * 100), .pause = 8ms});
        sim.run(3s);
        CHECK(sim.count(Kind::convict) == 0);
        acquitted += sim.count(Kind::acquit);
    }
    CHECK(acquitted > 150);
}
