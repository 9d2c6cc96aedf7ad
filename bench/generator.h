// Packets for a subject, built in the kernel (generator.bpf.c).
#pragma once

#include <cstdint>
#include <memory>

#include "controller/util/result.h"
#include "tests/harness/bytes.h"

struct bench_generator;

namespace glb::bench {

enum class Order {
    fixed,   ///< one flow
    counted, ///< one flow after the other, continued from the last sample
    random,  ///< uniformly over `flows` flows
};

/// Packets of a subject. The position in the order of flows continues from one sample to the next.
struct Stream {
    test::Bytes frame; ///< of flow 0; the generator sets source address and source port of the inner packet
    unsigned ingress = 0;   ///< interface index
    bool tunnelled = false; ///< `frame` is GENEVE with three options around the flow's packet
    test::Bytes answer{};   ///< tunnelled; if not empty, every other packet
    Order order = Order::fixed;
    std::uint64_t flows = 1;
    std::uint64_t state = 0; ///< next flow; any value for a random order
};

struct GeneratorDelete {
    void operator()(bench_generator *skeleton) const;
};

class Generator {
  public:
    [[nodiscard]] static Result<Generator> load();

    /// Runs `subject` (a SEC("xdp.frags") program) on that many packets of the stream. Returns the mean
    /// nanoseconds per packet, generator included, as measured by the kernel (resolution 1 ns).
    [[nodiscard]] Result<double> run(int subject, Stream &stream, std::uint32_t packets);
    /// Runs one packet and returns the resulting frame.
    [[nodiscard]] Result<test::Bytes> run_once(int subject, Stream &stream);

  private:
    explicit Generator(bench_generator *skeleton) : skeleton_(skeleton) {}
    [[nodiscard]] Result<double> run(int subject, Stream &stream, std::uint32_t packets, test::Bytes *out);

    std::unique_ptr<bench_generator, GeneratorDelete> skeleton_;
};

} // namespace glb::bench
