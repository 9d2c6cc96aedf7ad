// XDP programs run on one made packet, by BPF_PROG_TEST_RUN.
#pragma once

#include <cstdint>
#include <memory>

#include "controller/util/fd.h"
#include "tests/harness/bytes.h"

struct harness_poison;

namespace glb::test {

struct RunOptions {
    unsigned ingress_ifindex = 0; ///< must exist in the current namespace; 0: the kernel's default (loopback)
    unsigned rx_queue = 0;
    unsigned repeat = 1;
    Bytes metadata{};               ///< what the frame brings in front of it: a multiple of 4, at most 252
    std::size_t most_out = 1 << 16; ///< room for the answer
};

struct RunResult {
    std::uint32_t verdict = 0;     ///< XDP_PASS …; what the program returned
    Bytes bytes;                   ///< the frame as the program left it
    Bytes metadata;                ///< what the program left in front of the frame
    std::uint32_t nanoseconds = 0; ///< per run, as the kernel measured
};

/// Runs the program once, or `repeat` times. Throws std::runtime_error with the errno text where the kernel
/// refuses. The kernel's headroom is zeros, which makes forgotten header bytes look right: see
/// PoisonedRunner.
[[nodiscard]] RunResult run_xdp(int prog_fd, const Bytes &frame, const RunOptions &options = {});

/// Runs a SEC("xdp.frags") program behind one that fills the headroom with 0xFF and tail-calls it.
/// Metadata in `options` is refused: the poison lies where it would be.
class PoisonedRunner {
  public:
    /// Does not take over `subject_fd`; the program array holds the program.
    explicit PoisonedRunner(int subject_fd);
    ~PoisonedRunner();
    PoisonedRunner(const PoisonedRunner &) = delete;
    PoisonedRunner &operator=(const PoisonedRunner &) = delete;

    [[nodiscard]] RunResult run(const Bytes &frame, const RunOptions &options = {}) const;

    /// The bytes in front of the frame that are filled: more than any header that the node puts there.
    static constexpr std::size_t poisoned_headroom = 128;

  private:
    harness_poison *skeleton_;
};

} // namespace glb::test
