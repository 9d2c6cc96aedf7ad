// OutlierDetector: detection times, and targets that must not be ejected.
#include <catch2/catch.hpp>

#include <tuple>

#include "tests/unit/health/traffic_sim.h"

using namespace glb;
using namespace glb::health;
using namespace glb::test;
using Kind = DetectorAction::Kind;

namespace {

struct Failure {
    std::set<std::uint16_t> targets;
    Micros from{};
    bool in_band = true; ///< works until then
};

Treat unresponsive(unsigned seed, const Failure &failure) {
    return [=, random = std::mt19937(seed)](const SimPacket &packet) mutable -> std::optional<Micros> {
        if (packet.endpoint < 0 && !failure.in_band)
            return std::nullopt;
        if (failure.targets.contains(packet.target) && packet.at >= failure.from)
            return std::nullopt;
        return quick(random);
    };
}

} // namespace

TEST_CASE("detection: unresponsive target with 16 flows is ejected within 100 ms", "[passive]") {
    Micros worst{}, worst_alone{};
    for (unsigned seed = 0; seed < 1000; ++seed) {
        const bool in_band = seed % 2 == 0;
        const auto when = 2s + Micros(seed * 7 % 10'000);
        TrafficSim sim(seed, 3, unresponsive(seed, {{1}, when, in_band}));
        for (int i = 0; i < 48; ++i)
            sim.add({.target = static_cast<std::uint16_t>(i % 3),
                     .start = Micros(i * 100),
                     .pause = in_band ? 10ms : 5ms});
        sim.run(3s);
        INFO("seed " << seed);
        const auto out = sim.ejected_at(1);
        REQUIRE(out);
        CHECK(sim.count(Kind::eject) == 1);
        CHECK_FALSE(sim.actions().front().action.group_outage);
        (in_band ? worst : worst_alone) = std::max(in_band ? worst : worst_alone, *out - when);
    }
    WARN("worst case: " << worst.count() << " us with in-band probes, " << worst_alone.count()
                        << " us without");
    CHECK(worst <= 100ms);
    CHECK(worst_alone <= 130ms); // the sixteenth flow must send before it is unanswered
}

TEST_CASE("detection: four unanswered flows suffice only where in-band probes work", "[passive]") {
    for (unsigned seed = 0; seed < 200; ++seed) {
        const bool in_band = seed % 2 == 0;
        TrafficSim sim(seed, 2, unresponsive(seed, {{0}, 2s, in_band}));
        for (int i = 0; i < 24; ++i)
            sim.add({.target = static_cast<std::uint16_t>(i < 4 ? 0 : 1),
                     .start = Micros(i * 100),
                     .pause = 10ms});
        sim.run(6s);
        INFO("seed " << seed);
        CHECK(sim.ejected_at(0).has_value() == in_band);
    }
}

TEST_CASE("detection: flows outstanding at the start count only where in-band probes worked", "[passive]") {
    const bool worked = GENERATE(true, false), answers = GENERATE(true, false);
    OutlierDetector detector{{}};
    const TargetCounters waiting{.target = 0,
                                 .packets_out = 1000,
                                 .packets_returned = 900,
                                 .outstanding_started = 30,
                                 .outstanding_cleared = 10,
                                 .in_band_worked = worked};
    const TargetCounters working{.target = 1, .packets_out = 1000, .packets_returned = 900};
    std::map<Kind, int> actions;
    MonotonicTime now{1000s}, out{};
    for (int poll = 0; poll < 2000; ++poll, now += OutlierDetector::poll_interval) {
        auto both = std::array{waiting, working};
        both[0].ejected = actions[Kind::eject] > 0;
        both[1].packets_returned += static_cast<std::uint64_t>(poll); // it returns traffic all the time
        for (const auto &action : detector.poll(both, now)) {
            CHECK(action.target == 0);
            ++actions[action.kind];
            if (action.kind == Kind::eject)
                out = now;
            if (action.kind == Kind::probe && answers)
                detector.on_answer(0, now);
        }
    }
    CHECK(actions[Kind::eject] == (worked && !answers));
    CHECK(actions[Kind::clear] == (worked && answers));
    CHECK(actions[Kind::probe] == (worked ? answers ? 1 : 3 : 0));
    if (worked && !answers)
        CHECK(out - MonotonicTime{1000s} <= 100ms);
}

TEST_CASE("detection: three unanswered flows do not suffice", "[passive]") {
    for (unsigned seed = 0; seed < 200; ++seed) {
        TrafficSim sim(seed, 2, unresponsive(seed, {{0}, 2s}));
        for (int i = 0; i < 20; ++i)
            sim.add({.target = static_cast<std::uint16_t>(i < 3 ? 0 : 1),
                     .start = Micros(i * 100),
                     .pause = 10ms});
        sim.run(6s);
        CHECK(sim.count(Kind::eject) == 0);
    }
}

TEST_CASE("detection: target that never returns a packet is ejected within 10 s of 200 new flows",
          "[passive]") {
    Micros worst{};
    for (unsigned seed = 0; seed < 400; ++seed) {
        const auto targets = 2 + seed % 4;
        TrafficSim sim(seed, targets, unresponsive(seed, {{0}, 0s, seed % 2 == 0}));
        sim.add({.target = std::uint16_t{1}, .start = 0s}); // so that the endpoint has been seen
        const bool burst = seed % 3 == 0; // connections with retransmissions, or single datagrams
        for (int i = 0; i < 200; ++i) {
            const auto start = 1s + sim.chance(0s, burst ? Micros(500ms) : Micros(6s));
            sim.add(
                {.start = start, .pause = 50ms, .end = burst ? Micros(24h) : start + 100ms, .syn = burst});
        }
        sim.run(12s);
        INFO("seed " << seed);
        const auto out = sim.ejected_at(0);
        REQUIRE(out);
        CHECK(sim.count(Kind::eject) == 1);
        worst = std::max(worst, *out - 1s);
    }
    WARN("worst case: " << worst.count() << " us after the first of them");
    CHECK(worst <= 10s);
}

TEST_CASE("detection: with per-host stickiness a denied host ejects no target", "[passive]") {
    for (unsigned seed = 0; seed < 200; ++seed) {
        const auto scenario = [&](bool independent) {
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
            return sim.count(Kind::eject);
        };
        CHECK(scenario(true) == 1);
        CHECK(scenario(false) == 0);
    }
}

TEST_CASE("detection: all unresponsive at once is a group-wide outage, and half of them remain",
          "[passive]") {
    for (unsigned seed = 0; seed < 500; ++seed) {
        const auto when = 2s + Micros(seed * 13 % 10'000);
        TrafficSim sim(seed, 4, unresponsive(seed, {{0, 1, 2, 3}, when}));
        for (int i = 0; i < 80; ++i)
            sim.add({.target = static_cast<std::uint16_t>(i % 4), .start = Micros(i * 100), .pause = 8ms});
        sim.run(3s);
        INFO("seed " << seed);
        CHECK(sim.count(Kind::eject) == 2);
        CHECK(sim.count(Kind::skip_ejection) == 2);
        for (const auto &row : sim.actions())
            if (row.action.kind == Kind::eject)
                CHECK(row.action.group_outage);
    }
}

TEST_CASE("detection: after a pause of the whole group nobody is ejected, whichever target returns first",
          "[passive]") {
    // Phases of the pause relative to the polls, and lengths relative to the 100 ms of the outage's probes.
    for (unsigned seed = 0; seed < 1000; ++seed) {
        const auto targets = 2 + seed % 3;
        const auto from = 2s + Micros(seed * 37 % 20'000), to = from + 700ms + Micros(seed * 977 % 200'000);
        const bool keeps = seed % 2 == 0, sparse = seed % 5 == 0; // packets of the pause; few of them
        TrafficSim sim(
            seed, targets,
            [=, random = std::mt19937(seed)](const SimPacket &packet) mutable -> std::optional<Micros> {
                const auto until = to + Micros(packet.target * (seed % 7) * 1'000); // not all at once
                if (packet.at < from || packet.at >= until)
                    return quick(random);
                return keeps ? std::optional(until - packet.at + quick(random)) : std::nullopt;
            });
        for (unsigned i = 0; i < targets * 20; ++i)
            sim.add({.target = static_cast<std::uint16_t>(i % targets),
                     .start = Micros(i * 100),
                     .pause = sparse ? 60ms : 8ms});
        sim.run(4s);
        INFO("seed " << seed);
        CHECK(sim.count(Kind::eject) <= std::max(1u, targets / 2));
        if (!sparse)
            CHECK(sim.count(Kind::eject) >= 1);
        for (const auto &row : sim.actions()) {
            if (row.action.kind != Kind::eject)
                continue;
            CHECK(row.action.group_outage);
            CHECK(row.at < to);
        }
        for (std::uint16_t target = 0; target < targets; ++target)
            CHECK_FALSE(sim.is_ejected(target));
    }
}

TEST_CASE("detection: a spared target that stays unresponsive is ejected once there is room", "[passive]") {
    for (unsigned seed = 0; seed < 400; ++seed) {
        const auto from = 2s + Micros(seed * 37 % 10'000), to = from + 800ms;
        TrafficSim sim(
            seed, 2,
            [=, random = std::mt19937(seed)](const SimPacket &packet) mutable -> std::optional<Micros> {
                if (packet.at >= from && (packet.at < to || packet.target == 1))
                    return std::nullopt;
                return quick(random);
            });
        for (unsigned i = 0; i < 40; ++i)
            sim.add({.target = static_cast<std::uint16_t>(i % 2), .start = Micros(i * 100), .pause = 8ms});
        sim.run(4s);
        INFO("seed " << seed);
        CHECK_FALSE(sim.is_ejected(0));
        REQUIRE(sim.ejected_at(1));
        CHECK(sim.is_ejected(1));
        if (*sim.ejected_at(1) < to) // the other one was spared, and has returned
            continue;
        CHECK(*sim.ejected_at(1) > to + 60ms); // silence and probes after the room appeared
        CHECK(*sim.ejected_at(1) < to + 300ms);
        for (const auto &row : sim.actions())
            if (row.action.kind == Kind::eject)
                CHECK(row.action.group_outage); // one outage: no flow is reset for it
    }
}

TEST_CASE("detection: maxEjectedPercent is rounded down, with a minimum of one target", "[passive]") {
    const auto [targets, percent, allowed] =
        GENERATE(std::make_tuple(3u, 50u, 1u), std::make_tuple(5u, 50u, 2u), std::make_tuple(3u, 10u, 1u),
                 std::make_tuple(2u, 100u, 2u), std::make_tuple(1u, 50u, 1u));
    DetectorSettings settings;
    settings.max_ejected_percent = percent;
    std::set<std::uint16_t> all;
    for (std::uint16_t i = 0; i < targets; ++i)
        all.insert(i);
    // One after another: not a group-wide outage.
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
    CHECK(sim.count(Kind::eject) == allowed);
    CHECK(sim.count(Kind::skip_ejection) == targets - allowed);
}

TEST_CASE("detection: appliance delayed beyond suspicion is cleared by its probe answer", "[passive]") {
    std::size_t cleared = 0;
    for (unsigned seed = 0; seed < 200; ++seed) {
        // 60 ms: suspected after 40, responsive before the timeout of the third probe.
        TrafficSim sim(
            seed, 2, [random = std::mt19937(seed)](const SimPacket &packet) mutable -> std::optional<Micros> {
                if (packet.target == 0 && packet.at >= 2s && packet.at < 2060ms)
                    return 2060ms - packet.at + quick(random);
                return quick(random);
            });
        for (int i = 0; i < 40; ++i)
            sim.add({.start = Micros(i * 100), .pause = 8ms});
        sim.run(3s);
        CHECK(sim.count(Kind::eject) == 0);
        cleared += sim.count(Kind::clear);
    }
    CHECK(cleared > 150);
}
