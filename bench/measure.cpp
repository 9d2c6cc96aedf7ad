#include "bench/measure.h"

#include <algorithm>
#include <cmath>

namespace glb::bench {

namespace {

/// Samples of one attempt, net unless noted.
struct Samples {
    std::vector<double> first, second; ///< the subject, twice in each round
    std::vector<double> anchor, memory, ratio;
    std::vector<double> base; ///< gross
};

Result<double> mean_of(double before, Result<double> after) {
    if (!after)
        return after;
    return (before + *after) / 2;
}

Status take_round(Generator &generator, const Plan &plan, std::uint32_t packets, Samples &samples) {
    const auto run = [&](const Subject &subject) {
        return generator.run(subject.program, *subject.stream, packets);
    };
    GLB_ASSIGN(const double anchor_before, run(plan.anchor));
    GLB_ASSIGN(const double anchor_base, run(plan.anchor_base));
    GLB_ASSIGN(const double base_before, run(plan.base));
    GLB_ASSIGN(const double memory_base, run(plan.memory_base));
    GLB_ASSIGN(const double memory, run(plan.memory));
    GLB_TRY(run(plan.subject)); // warms the caches that the other samples have evicted
    GLB_ASSIGN(const double first, run(plan.subject));
    GLB_ASSIGN(const double second, run(plan.subject));
    GLB_ASSIGN(const double base, mean_of(base_before, run(plan.base)));
    GLB_ASSIGN(const double anchor, mean_of(anchor_before, run(plan.anchor)));

    samples.base.push_back(base);
    samples.first.push_back(first - base);
    samples.second.push_back(second - base);
    samples.memory.push_back(memory - memory_base);
    samples.anchor.push_back(anchor - anchor_base);
    samples.ratio.push_back(((first + second) / 2 - base) / std::max(1.0, anchor - anchor_base));
    return {};
}

Figures figures_of(const Samples &samples) {
    auto all = samples.first;
    all.insert(all.end(), samples.second.begin(), samples.second.end());
    Figures figures;
    figures.p10 = quantile(all, 0.1);
    figures.median = quantile(all, 0.5);
    figures.ratio = quantile(samples.ratio, 0.5);
    figures.anchor = quantile(samples.anchor, 0.5);
    figures.memory = quantile(samples.memory, 0.5);
    figures.base = quantile(samples.base, 0.5);
    const double first = quantile(samples.first, 0.5);
    const double second = quantile(samples.second, 0.5);
    figures.noise = std::abs(first - second) / std::max(1.0, (first + second) / 2);
    return figures;
}

} // namespace

double quantile(std::vector<double> samples, double share) {
    const auto rank =
        std::min(samples.size() - 1, static_cast<std::size_t>(share * static_cast<double>(samples.size())));
    std::nth_element(samples.begin(), samples.begin() + static_cast<std::ptrdiff_t>(rank), samples.end());
    return samples[rank];
}

Result<Figures> measure(Generator &generator, const Plan &plan, const Settings &settings,
                        const std::function<void()> &before) {
    Figures best;
    std::uint64_t packets = 0;
    for (unsigned attempt = 1; attempt <= settings.attempts; ++attempt) {
        before();
        Samples warm_up, samples;
        GLB_TRY(take_round(generator, plan, settings.packets, warm_up));
        for (unsigned round = 0; round < settings.rounds; ++round)
            GLB_TRY(take_round(generator, plan, settings.packets, samples));
        packets += 3ull * settings.packets * (settings.rounds + 1);
        auto figures = figures_of(samples);
        if (attempt == 1 || figures.noise < best.noise)
            best = figures;
        best.attempts = attempt;
        best.settled = best.noise <= settings.noise;
        if (best.settled)
            break;
    }
    best.packets = packets;
    return best;
}

} // namespace glb::bench
