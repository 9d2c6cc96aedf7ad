// Two Maglev tables: a midstream packet without an entry uses the previous one, while its window is open and
// the selected target accepts it.
#include <catch2/catch.hpp>

#include <linux/bpf.h>

#include "controller/plan/maglev_generations.h"
#include "tests/harness/skip.h"
#include "tests/packet/rig.h"

using namespace glb;
using namespace glb::test;

namespace {

constexpr std::uint32_t previous_table = 6;

/// The previous table selects target 0 for all flows, the current one target 1.
struct TwoGenerations {
    explicit TwoGenerations(bool six) : six_(six) {
        REQUIRE(rig.roles.config.put_maglev(previous_table, std::vector<std::uint16_t>(GLB_MAGLEV_SLOTS, 0)));
        REQUIRE(rig.roles.config.put_maglev(sample_table, std::vector<std::uint16_t>(GLB_MAGLEV_SLOTS, 1)));
        window(plan::tick_now() + 1000);
    }

    void window(std::uint32_t until) {
        rig.reconfigure([&](auto &config) {
            config.groups[0].previous_table = previous_table;
            config.groups[0].previous_until = until;
        });
    }

    /// The target that a TCP packet of flow `number` is sent to.
    unsigned target(unsigned number, std::uint8_t flags) {
        const Tcp transport{.sport = static_cast<std::uint16_t>(1024 + number), .flags = flags};
        const auto outcome = rig.send(six_ ? Bytes(Eth{.dst = node_mac} / IPv6{} / transport)
                                           : Bytes(Eth{.dst = node_mac} / IPv4{} / transport));
        REQUIRE(outcome.code == XDP_REDIRECT);
        return outcome.frame.at(5) == target2_mac.bytes[5];
    }

    Rig rig;

  private:
    bool six_;
};

} // namespace

TEST_CASE("maglev generations: new flows use the current table, midstream flows the previous one",
          "[steer]") {
    need_root();
    TwoGenerations it(GENERATE(false, true));
    for (unsigned flow = 0; flow < 20; ++flow) {
        CHECK(it.target(flow, tcp::syn) == 1);
        CHECK(it.target(flow, tcp::ack) == 1); // from its entry
    }
    CHECK(it.rig.count(GLB_COUNT_STEERED_PREVIOUS_EPOCH) == 0);
    for (unsigned flow = 100; flow < 120; ++flow)
        CHECK(it.target(flow, tcp::ack) == 0);
    CHECK(it.rig.count(GLB_COUNT_STEERED_PREVIOUS_EPOCH) == 20);

    it.window(plan::tick_now() - 1);
    for (unsigned flow = 100; flow < 120; ++flow)
        CHECK(it.target(flow, tcp::ack) == 0); // they have entries now
    for (unsigned flow = 200; flow < 220; ++flow)
        CHECK(it.target(flow, tcp::ack) == 1);
    CHECK(it.rig.count(GLB_COUNT_STEERED_PREVIOUS_EPOCH) == 20);
}

TEST_CASE("maglev generations: a failed target of the previous table is skipped", "[steer]") {
    need_root();
    TwoGenerations it(GENERATE(false, true));
    REQUIRE(it.rig.roles.state.set_target_state(0, 0));
    CHECK(it.target(1, tcp::ack) == 1);
    REQUIRE(it.rig.roles.state.set_target_state(
        0, GLB_TARGET_KEEP_ESTABLISHED)); // failed, and `hold` applies to established flows only
    CHECK(it.target(2, tcp::ack) == 1);
    CHECK(it.rig.count(GLB_COUNT_STEERED_PREVIOUS_EPOCH) == 0);
    REQUIRE(it.rig.roles.state.set_target_state(0, GLB_TARGET_KEEP_ESTABLISHED |
                                                       GLB_TARGET_KEEP_EMBRYONIC)); // draining
    CHECK(it.target(3, tcp::ack) == 0);
    CHECK(it.rig.count(GLB_COUNT_STEERED_PREVIOUS_EPOCH) == 1);
}

TEST_CASE("maglev generations: with 3- or 2-tuple stickiness new flows use the previous table, too",
          "[steer]") {
    need_root();
    TwoGenerations it(GENERATE(false, true));
    it.rig.reconfigure([](auto &config) { config.groups[0].stickiness = GLB_STICK_3; });
    CHECK(it.target(1, tcp::syn) == 0);
    it.window(plan::tick_now() - 1);
    CHECK(it.target(2, tcp::syn) == 1);
}
