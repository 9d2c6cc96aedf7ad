#include "tests/harness/prog_run.h"

#include <cstring>
#include <stdexcept>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>

#include <harness_poison.skel.h>

namespace glb::test {

RunResult run_xdp(int prog_fd, const Bytes &frame, const RunOptions &options) {
    const Bytes in = options.metadata + ByteView(frame);
    Bytes out(options.most_out);
    xdp_md ctx_in{}, ctx_out{};
    ctx_in.data = static_cast<std::uint32_t>(options.metadata.size());
    ctx_in.data_end = static_cast<std::uint32_t>(in.size());
    ctx_in.ingress_ifindex = options.ingress_ifindex;
    ctx_in.rx_queue_index = options.rx_queue;

    LIBBPF_OPTS(bpf_test_run_opts, run);
    run.data_in = in.data();
    run.data_size_in = static_cast<std::uint32_t>(in.size());
    run.data_out = out.data();
    run.data_size_out = static_cast<std::uint32_t>(out.size());
    run.ctx_in = &ctx_in;
    run.ctx_size_in = sizeof ctx_in;
    run.ctx_out = &ctx_out;
    run.ctx_size_out = sizeof ctx_out;
    run.repeat = static_cast<int>(options.repeat);
    const int code = bpf_prog_test_run_opts(prog_fd, &run);
    if (code < 0)
        throw std::runtime_error(fmt::format("BPF_PROG_TEST_RUN: {}", std::strerror(-code)));

    out.resize(run.data_size_out);
    const auto front = out.begin() + static_cast<long>(ctx_out.data - ctx_out.data_meta);
    return {.verdict = run.retval,
            .bytes = Bytes(front, out.end()),
            .metadata = Bytes(out.begin(), front),
            .nanoseconds = run.duration};
}

PoisonedRunner::PoisonedRunner(int subject_fd) : skeleton_(harness_poison::open_and_load()) {
    if (skeleton_ == nullptr)
        throw std::runtime_error(fmt::format("cannot load the poisoning program: {}", std::strerror(errno)));
    const std::uint32_t key = 0;
    if (bpf_map_update_elem(bpf_map__fd(skeleton_->maps.subject), &key, &subject_fd, BPF_ANY) != 0) {
        const int code = errno;
        harness_poison::destroy(skeleton_);
        throw std::runtime_error(
            fmt::format("cannot add the subject to the program array: {}", std::strerror(code)));
    }
}

PoisonedRunner::~PoisonedRunner() {
    harness_poison::destroy(skeleton_);
}

RunResult PoisonedRunner::run(const Bytes &frame, const RunOptions &options) const {
    if (!options.metadata.empty())
        throw std::invalid_argument("PoisonedRunner: metadata would be overwritten");
    return run_xdp(bpf_program__fd(skeleton_->progs.harness_poison_prog), frame, options);
}

} // namespace glb::test
