// The floor programs (floors.bpf.c), loaded with a memory of a given size.
#pragma once

#include <cstdint>
#include <memory>

#include "bench/measure.h"

struct bench_floors;

namespace glb::bench {

class Floors {
  public:
    /// `lines` of 64 bytes in the memory floor, a power of two.
    [[nodiscard]] static Result<Floors> load(std::uint32_t lines);

    [[nodiscard]] int base() const;   ///< returns immediately
    [[nodiscard]] int encap() const;  ///< prepends 68 bytes from a template
    [[nodiscard]] int memory() const; ///< one read-modify-write of the line selected by the flow's address

  private:
    struct Delete {
        void operator()(bench_floors *skeleton) const;
    };
    explicit Floors(bench_floors *skeleton) : skeleton_(skeleton) {}

    std::unique_ptr<bench_floors, Delete> skeleton_;
};

/// Measures `subject` with the encap floor as anchor; the memory floor runs with the flow order of `plain`, a
/// stream that is not tunnelled.
[[nodiscard]] Result<Figures> measure_with_floors(
    Generator &generator, const Floors &floors, Subject subject, Stream plain, const Settings &settings,
    const std::function<void()> &before = [] {});

} // namespace glb::bench
