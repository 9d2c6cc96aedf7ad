// Runs XDP programs on a composed packet by BPF_PROG_TEST_RUN.
#pragma once

#include <cstdint>
#include <memory>

#include "controller/util/fd.h"
#include "tests/harness/bytes.h"

struct harness_poison;

namespace glb::test {

struct RunOptions {
    unsigned ingress_ifindex = 0; ///< must exist in the current namespace; 0: loopback, the kernel's default
    unsigned rx_queue = 0;
    unsigned repeat = 1;
    Bytes metadata{};               ///< metadata in front of the frame: a multiple of 4, at most 252 bytes
    std::size_t most_out = 1 << 16; ///< size of the output buffer
};

struct RunResult {
    std::uint32_t verdict = 0;     ///< return value: XDP_PASS, …
    Bytes bytes;                   ///< the frame after the program
    Bytes metadata;                ///< the metadata after the program
    std::uint32_t nanoseconds = 0; ///< per run, measured by the kernel
};

/// Runs the program once, or `repeat` times. Throws std::runtime_error with the errno text if the kernel
/// refuses. The kernel's headroom is zeroed, which hides header bytes that a program does not write: see
/// PoisonedRunner.
[[nodiscard]] RunResult run_xdp(int prog_fd, const Bytes &frame, const RunOptions &options = {});

/// Runs a SEC("xdp.frags") program after one that fills the headroom with 0xFF and tail-calls it. Metadata in
/// `options` is refused, since it would be overwritten.
class PoisonedRunner {
  public:
    /// Does not take ownership of `subject_fd`; the program array keeps a reference to the program.
    explicit PoisonedRunner(int subject_fd);
    ~PoisonedRunner();
    PoisonedRunner(const PoisonedRunner &) = delete;
    PoisonedRunner &operator=(const PoisonedRunner &) = delete;

    [[nodiscard]] RunResult run(const Bytes &frame, const RunOptions &options = {}) const;

    /// Number of filled bytes: more than any header that the node prepends.
    static constexpr std::size_t poisoned_headroom = 128;

  private:
    harness_poison *skeleton_;
};

} // namespace glb::test
