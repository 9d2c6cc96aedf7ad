// Figures that hold on a machine that others use too: samples taken in turn with an anchor and the
// generator's own cost, medians over rounds, and the noise of the very run beside them. docs/bench.md has the
// reasons.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "bench/generator.h"

namespace glb::bench {

/// A program and what it is given. Neither is owned.
struct Subject {
    int program = -1;
    Stream *stream = nullptr;
};

struct Settings {
    unsigned rounds = 31;
    std::uint32_t packets = 40000; ///< a sample
    unsigned attempts = 4;         ///< runs of a row until its noise is low enough
    double noise = 0.05;           ///< the most that counts as low
};

/// What is measured in each round: anchor, base, memory floor, subject (unmeasured), subject, subject,
/// base, anchor.
struct Plan {
    Subject anchor;      ///< ratios refer to it
    Subject anchor_base; ///< the generator's cost with the anchor's stream
    Subject base;        ///< ... and with the subject's
    Subject memory;      ///< memory floor, with a base of its own below
    Subject memory_base;
    Subject subject;
};

/// Nanoseconds a packet; net: the generator's cost of the same round is taken off.
struct Figures {
    double p10 = 0;
    double median = 0;
    double ratio = 0;  ///< median over the rounds of subject by anchor
    double anchor = 0; ///< median
    double memory = 0; ///< median
    double base = 0;   ///< median of what was taken off
    double noise = 0;  ///< A/A: difference of the medians of the two samples of the subject, by their mean
    unsigned attempts = 0;
    bool settled = false;      ///< the noise is low enough for the figures to be reported
    std::uint64_t packets = 0; ///< that the subject was given, in all attempts
};

/// Value below which `share` of the samples lie (nearest rank). Not of an empty list.
[[nodiscard]] double quantile(std::vector<double> samples, double share);

/// Repeats until settled; the quietest attempt is returned where none is. `before` runs before each attempt.
[[nodiscard]] Result<Figures> measure(
    Generator &generator, const Plan &plan, const Settings &settings,
    const std::function<void()> &before = [] {});

} // namespace glb::bench
