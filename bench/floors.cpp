#include "bench/floors.h"

#include <cstring>

#include "bench/control.h" // before the skeleton, which uses its types

#include <bpf/libbpf.h>

#include <bench_floors.skel.h>

#include "tests/harness/packet.h"

namespace glb::bench {

namespace {

/// The 82 bytes in front of the inner packet; the IPv4 length is filled in per packet.
test::Bytes outer_headers() {
    using namespace test;
    const Bytes whole = Eth{} / IPv4{.src = "172.16.0.10", .dst = "172.16.0.100", .total_length = 0} /
                        Udp{.sport = 0xc000, .dport = 6081, .checksum = 0} /
                        Geneve{.options = aws_options(1, 0, 0)} / IPv4{} / Tcp{};
    return {whole.begin(), whole.begin() + 82};
}

} // namespace

void Floors::Delete::operator()(bench_floors *skeleton) const {
    bench_floors::destroy(skeleton);
}

Result<Floors> Floors::load(std::uint32_t lines) {
    Floors floors(bench_floors::open());
    auto *skeleton = floors.skeleton_.get();
    if (!skeleton)
        return fail_errno(errno, "cannot open the floor programs");
    bpf_map__set_max_entries(skeleton->maps.bench_memory, lines);
    skeleton->rodata->bench_memory_mask = lines - 1;
    if (const int code = bench_floors::load(skeleton); code != 0)
        return fail_errno(-code, "cannot load the floor programs");

    const auto headers = outer_headers();
    auto &outer = skeleton->bss->bench_outer;
    std::memcpy(outer.word, headers.data(), sizeof outer.word);
    std::memcpy(&outer.rest, headers.data() + sizeof outer.word, sizeof outer.rest);
    for (std::size_t at = 14; at < 34; at += 2) {
        std::uint16_t word = 0;
        std::memcpy(&word, headers.data() + at, sizeof word);
        outer.ip_sum += at == 24 ? 0 : word; // without the checksum itself
    }
    return floors;
}

int Floors::base() const {
    return bpf_program__fd(skeleton_->progs.bench_base);
}
int Floors::encap() const {
    return bpf_program__fd(skeleton_->progs.bench_encap_floor);
}
int Floors::memory() const {
    return bpf_program__fd(skeleton_->progs.bench_memory_floor);
}

Result<Figures> measure_with_floors(Generator &generator, const Floors &floors, Subject subject, Stream plain,
                                    const Settings &settings, const std::function<void()> &before) {
    Stream anchor = plain;
    anchor.order = Order::fixed;
    anchor.state = 0;
    Stream base = *subject.stream;
    Plan plan;
    plan.anchor = {floors.encap(), &anchor};
    plan.anchor_base = {floors.base(), &anchor};
    plan.base = {floors.base(), &base};
    plan.memory = {floors.memory(), &plain};
    plan.memory_base = {floors.base(), &plain};
    plan.subject = subject;
    return measure(generator, plan, settings, before);
}

} // namespace glb::bench
