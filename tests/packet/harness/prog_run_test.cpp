#include <memory>

#include <bpf/libbpf.h>
#include <net/if.h>

#include <harness_sample.skel.h>

#include "tests/harness/catch_bytes.h"
#include "tests/harness/packet.h"
#include "tests/harness/prog_run.h"
#include "tests/harness/skip.h"

using namespace glb::test;

namespace {

struct Sample {
    Sample() {
        need_root();
        skeleton = harness_sample::open_and_load();
        REQUIRE(skeleton != nullptr);
    }
    ~Sample() { harness_sample::destroy(skeleton); }
    Sample(const Sample &) = delete;
    Sample &operator=(const Sample &) = delete;
    harness_sample *skeleton = nullptr;
};

const Bytes frame = Eth{} / IPv4{} / Udp{} / Payload("hello");

} // namespace

TEST_CASE("run_xdp: returns verdict and bytes") {
    const Sample sample;
    const auto pass = run_xdp(bpf_program__fd(sample.skeleton->progs.harness_pass), frame);
    CHECK(pass.verdict == XDP_PASS);
    CHECK_THAT(pass.bytes, equals(frame));
    CHECK(pass.metadata.empty());
    const auto pushed = run_xdp(bpf_program__fd(sample.skeleton->progs.harness_push8), frame);
    CHECK(pushed.verdict == XDP_TX);
    CHECK_THAT(pushed.bytes, equals(from_hex("4200000000000000") + ByteView(frame)));
}

TEST_CASE("PoisonedRunner: bytes that the program did not write are 0xFF") {
    const Sample sample;
    const PoisonedRunner runner(bpf_program__fd(sample.skeleton->progs.harness_push8));
    const auto pushed = runner.run(frame);
    CHECK(pushed.verdict == XDP_TX);
    CHECK_THAT(pushed.bytes, equals(from_hex("42ffffffffffffff") + ByteView(frame)));
    CHECK_THROWS_AS(runner.run(frame, {.metadata = Bytes(4)}), std::invalid_argument);
}

TEST_CASE("run_xdp: passes metadata and the ingress interface") {
    const Sample sample;
    const auto lo = if_nametoindex("lo");
    const auto result =
        run_xdp(bpf_program__fd(sample.skeleton->progs.harness_meta), frame, {.ingress_ifindex = lo});
    CHECK(result.verdict == XDP_PASS);
    Bytes index(4);
    std::copy_n(reinterpret_cast<const std::uint8_t *>(&lo), 4, index.begin());
    CHECK_THAT(result.metadata, equals(index));
    CHECK_THAT(result.bytes, equals(frame));

    const auto passed = run_xdp(bpf_program__fd(sample.skeleton->progs.harness_pass), frame,
                                {.metadata = from_hex("01020304")});
    CHECK_THAT(passed.metadata, equals(from_hex("01020304")));
    CHECK_THROWS_AS(
        run_xdp(bpf_program__fd(sample.skeleton->progs.harness_pass), frame, {.ingress_ifindex = 99999}),
        std::runtime_error);
}
