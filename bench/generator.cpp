#include "bench/generator.h"

#include <algorithm>
#include <cstring>

#include "bench/control.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <bench_generator.skel.h>

namespace glb::bench {

namespace {

// The 64-bit linear congruential generator of Knuth's MMIX; only its upper half is used.
constexpr std::uint64_t lcg_multiplier = 6364136223846793005u;
constexpr std::uint64_t lcg_increment = 1442695040888963407u;

void fill(bench_frame &row, const test::Bytes &frame, bool tunnelled) {
    row = {};
    std::memcpy(row.word, frame.data(), std::min(frame.size(), sizeof row.word));
    row.length = static_cast<std::uint32_t>(frame.size());
    row.tunnelled = tunnelled;
}

void configure(bench_control &control, const Stream &stream) {
    const bool random = stream.order == Order::random;
    fill(control.frame[0], stream.frame, stream.tunnelled);
    fill(control.frame[1], stream.answer, true);
    control.turn = 0;
    control.alternate = !stream.answer.empty();
    control.state = stream.state;
    control.multiplier = random ? lcg_multiplier : 1;
    control.increment = random ? lcg_increment : stream.order == Order::counted ? 1 : 0;
    control.flows = stream.flows;
    control.random = random;
    control.failed = 0;
}

} // namespace

void GeneratorDelete::operator()(bench_generator *skeleton) const {
    bench_generator::destroy(skeleton);
}

Result<Generator> Generator::load() {
    auto *skeleton = bench_generator::open_and_load();
    if (!skeleton)
        return fail_errno(errno, "cannot load the generator");
    return Generator(skeleton);
}

Result<double> Generator::run(int subject, Stream &stream, std::uint32_t packets) {
    return run(subject, stream, packets, nullptr);
}

Result<test::Bytes> Generator::run_once(int subject, Stream &stream) {
    test::Bytes out(2048);
    GLB_TRY(run(subject, stream, 1, &out));
    return out;
}

Result<double> Generator::run(int subject, Stream &stream, std::uint32_t packets, test::Bytes *out) {
    const std::uint32_t first = 0;
    if (bpf_map_update_elem(bpf_map__fd(skeleton_->maps.bench_subject), &first, &subject, BPF_ANY) != 0)
        return fail_errno(errno, "cannot install the subject as tail call of the generator");
    auto &control = skeleton_->bss->bench_control;
    configure(control, stream);

    xdp_md context{};
    context.data_end = static_cast<std::uint32_t>(stream.frame.size());
    context.ingress_ifindex = stream.ingress;
    LIBBPF_OPTS(bpf_test_run_opts, options);
    options.data_in = stream.frame.data();
    options.data_size_in = static_cast<std::uint32_t>(stream.frame.size());
    options.ctx_in = &context;
    options.ctx_size_in = sizeof context;
    options.repeat = static_cast<int>(packets);
    if (out) {
        options.data_out = out->data();
        options.data_size_out = static_cast<std::uint32_t>(out->size());
    }
    if (const int code = bpf_prog_test_run_opts(bpf_program__fd(skeleton_->progs.bench_generator), &options);
        code != 0)
        return fail_errno(-code, "BPF_PROG_TEST_RUN");
    if (control.failed)
        return fail("the generator failed to build {} of {} packets", control.failed, packets);
    if (out)
        out->resize(options.data_size_out);
    stream.state = control.state;
    return options.duration;
}

} // namespace glb::bench
