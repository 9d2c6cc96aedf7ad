// Packets for a subject, made in the kernel beside it: see generator.bpf.c.
#pragma once

#include <cstdint>
#include <memory>

#include "controller/util/result.h"
#include "tests/harness/bytes.h"

struct bench_generator;

namespace glb::bench {

enum class Order {
    fixed,   ///< every packet is of one flow
    counted, ///< flow after flow, on from where the last sample ended
    random,  ///< evenly over `flows` of them
};

/// What a subject is given. Carries its place in the order of flows from one sample to the next.
struct Stream {
    test::Bytes frame; ///< of flow 0; the generator sets source address and source port of the inner packet
    unsigned ingress = 0;   ///< interface index
    bool tunnelled = false; ///< `frame` is GENEVE with three options around the flow's packet
    test::Bytes answer{};   ///< tunnelled; where there is one, every other packet
    Order order = Order::fixed;
    std::uint64_t flows = 1;
    std::uint64_t state = 0; ///< next flow; a random order begins anywhere
};

struct GeneratorDelete {
    void operator()(bench_generator *skeleton) const;
};

class Generator {
  public:
    [[nodiscard]] static Result<Generator> load();

    /// Gives `subject` (a SEC("xdp.frags") program) as many packets of the stream, and returns the
    /// nanoseconds that one took in the mean, generator and all, as the kernel measured (its resolution is 1
    /// ns).
    [[nodiscard]] Result<double> run(int subject, Stream &stream, std::uint32_t packets);
    /// One packet, and what the subject made of it.
    [[nodiscard]] Result<test::Bytes> run_once(int subject, Stream &stream);

  private:
    explicit Generator(bench_generator *skeleton) : skeleton_(skeleton) {}
    [[nodiscard]] Result<double> run(int subject, Stream &stream, std::uint32_t packets, test::Bytes *out);

    std::unique_ptr<bench_generator, GeneratorDelete> skeleton_;
};

} // namespace glb::bench
