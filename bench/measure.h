// Figures that are valid on a shared machine: samples alternate with an anchor and with the generator's own
// cost; medians over rounds are reported with the noise of the same run (bench/README.md).
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "bench/generator.h"

namespace glb::bench {

/// A program and its packets. Neither is owned.
struct Subject {
    int program = -1;
    Stream *stream = nullptr;
};

struct Settings {
    unsigned rounds = 31;
    std::uint32_t packets = 40000; ///< per sample
    unsigned attempts = 4;         ///< per row, until its noise is low enough
    double noise = 0.05;           ///< the highest that counts as low
};

/// Samples of each round: anchor, base, memory floor, subject (not recorded), subject, subject, base, anchor.
struct Plan {
    Subject anchor;      ///< ratios refer to it
    Subject anchor_base; ///< the generator's cost with the anchor's stream
    Subject base;        ///< the same with the subject's stream
    Subject memory;      ///< memory floor, with a base of its own below
    Subject memory_base;
    Subject subject;
};

/// Nanoseconds per packet; net of the generator's cost in the same round.
struct Figures {
    double p10 = 0;
    double median = 0;
    double ratio = 0;  ///< median over the rounds of subject / anchor
    double anchor = 0; ///< median
    double memory = 0; ///< median
    double base = 0;   ///< median of the subtracted cost
    double noise =
        0; ///< A/A: difference of the medians of the two samples of the subject, relative to their mean
    unsigned attempts = 0;
    bool settled = false;      ///< the noise is low enough for the figures to be valid
    std::uint64_t packets = 0; ///< processed by the subject in all attempts
};

/// The value below which `share` of the samples lie (nearest rank). `samples` is not empty.
[[nodiscard]] double quantile(std::vector<double> samples, double share);

/// Repeats until settled; if none is, returns the attempt with the least noise. `before` runs before each
/// attempt.
[[nodiscard]] Result<Figures> measure(
    Generator &generator, const Plan &plan, const Settings &settings,
    const std::function<void()> &before = [] {});

} // namespace glb::bench
