// FlowCopy: copies flows from table to table, alone and while another thread writes.
#include <catch2/catch.hpp>

#include <atomic>
#include <map>
#include <thread>

#include <arpa/inet.h>

#include "controller/datapath/migration/flow_copy.h"
#include "lib/hash.h"

using namespace glb::datapath;

namespace {

constexpr std::uint32_t now = 4'000'000;
constexpr std::uint32_t second = GLB_TICKS_PER_SECOND;

struct Lines {
    std::vector<glb_flow_hot> hot;
    std::vector<glb_flow_cold> cold;

    explicit Lines(std::uint32_t capacity) : hot(capacity), cold(capacity) {}
    [[nodiscard]] OlderTable older() const { return {hot, cold}; }
    [[nodiscard]] NewerTable newer() { return {hot, cold}; }

    static std::uint64_t tag(std::uint32_t flow) { return glb_hash_finish(flow + 77); }

    void put(std::uint32_t slot, std::uint32_t flow, std::uint32_t code = GLB_FLOW_ESTABLISHED,
             std::uint32_t seen = now - second) {
        hot[slot].tag = tag(flow);
        hot[slot].meta = glb_meta_make(code, 1, flow, flow % 31, seen);
        hot[slot].count[0] = {flow, flow * 100};
        cold[slot] = {};
        cold[slot].low[0] = htonl(flow);
        cold[slot].low_port = htons(4000);
        cold[slot].high_port = htons(80);
        cold[slot].ip_proto = 6;
        cold[slot].family = 4;
        cold[slot].initiator = 1;
        cold[slot].generation = static_cast<std::uint8_t>(flow);
        cold[slot].endpoint = 3;
        cold[slot].start_tick = now - 100 * second;
    }
    /// Slot by tag of all entries; fails on two of one tag.
    [[nodiscard]] std::map<std::uint64_t, std::uint32_t> slots() const {
        std::map<std::uint64_t, std::uint32_t> found;
        for (std::uint32_t slot = 0; slot < hot.size(); ++slot)
            if (glb_meta_code(hot[slot].meta)) {
                CHECK_FALSE(hot[slot].meta & GLB_META_BUSY);
                CHECK(found.emplace(hot[slot].tag, slot).second);
            }
        return found;
    }
};

/// Without the generation, which differs between tables.
std::uint64_t without_generation(std::uint64_t meta) {
    return glb_meta_with_generation(meta, 0);
}

} // namespace

TEST_CASE("flow copy: live flows are copied unchanged into a table of another size", "[copy]") {
    const auto capacity = GENERATE(4096u, 65536u);
    Lines from(16384), into(capacity);
    for (std::uint32_t i = 0; i < 2000; ++i)
        from.put(i * 8, i + 1);
    from.put(3, 5000, GLB_FLOW_ESTABLISHED, now - 400 * second); // expired
    from.put(5, 5001);
    from.hot[5].meta |= GLB_META_BUSY; // being written
    FlowCopy copy(from.older(), into.newer(), {});
    const auto counts = copy.pass(now, ActiveProgram::older);
    CHECK(counts.copied == 2000);
    CHECK(counts.no_place + counts.evicted == 0);
    const auto slots = into.slots();
    REQUIRE(slots.size() == 2000);
    for (std::uint32_t i = 0; i < 2000; ++i) {
        const auto found = slots.find(Lines::tag(i + 1));
        REQUIRE(found != slots.end());
        const auto &hot = into.hot[found->second];
        const auto &cold = into.cold[found->second];
        CHECK(without_generation(hot.meta) == without_generation(from.hot[i * 8].meta));
        CHECK(hot.count[0].bytes == (i + 1) * 100);
        CHECK(cold.low[0] == htonl(i + 1));
        CHECK(cold.initiator == 1);
        CHECK(cold.endpoint == 3);
        CHECK(cold.start_tick == now - 100 * second);
        CHECK(cold.generation == glb_meta_generation(hot.meta));
    }
}

TEST_CASE("flow copy: a later pass copies the changes since the one before", "[copy]") {
    Lines from(4096), into(8192);
    from.put(0, 1, GLB_FLOW_EMBRYONIC);
    FlowCopy copy(from.older(), into.newer(), {});
    CHECK(copy.pass(now, ActiveProgram::older).copied == 1);
    from.put(0, 1, GLB_FLOW_ESTABLISHED, now);
    from.put(9, 2);
    const auto counts = copy.pass(now, ActiveProgram::older);
    CHECK(counts.copied == 1);
    CHECK(counts.updated == 1);
    CHECK(without_generation(into.hot[into.slots().at(Lines::tag(1))].meta) ==
          without_generation(from.hot[0].meta));
    CHECK(copy.pass(now, ActiveProgram::older).updated == 0);
}

TEST_CASE("flow copy: while the newer program runs, the more recent entry wins", "[copy]") {
    Lines from(4096), into(8192);
    for (std::uint32_t flow = 1; flow <= 4; ++flow)
        from.put(flow, flow, GLB_FLOW_EMBRYONIC_0, now - 10);
    FlowCopy copy(from.older(), into.newer(), {});
    (void)copy.pass(now, ActiveProgram::older);
    const auto slots = into.slots();
    const auto of = [&](std::uint32_t flow) -> glb_flow_hot & {
        return into.hot[slots.at(Lines::tag(flow))];
    };
    from.put(1, 1, GLB_FLOW_ESTABLISHED, now - 5);    // advanced in the older table before the swap
    of(2).meta = glb_meta_with_seen(of(2).meta, now); // seen by the newer program since
    from.put(2, 2, GLB_FLOW_CLOSED, now - 5);
    from.put(3, 3, GLB_FLOW_ESTABLISHED, now - 10);            // advanced within the same tick
    of(4).meta = glb_meta_with_code(of(4).meta, GLB_FLOW_NEW); // restarted after its end within the same tick
    from.put(4, 4, GLB_FLOW_CLOSED, now - 10);
    CHECK(copy.pass(now, ActiveProgram::newer).updated == 2);
    CHECK(glb_meta_code(of(1).meta) == GLB_FLOW_ESTABLISHED);
    CHECK(static_cast<std::uint32_t>(of(1).meta) == now - 5);
    CHECK(glb_meta_code(of(2).meta) == GLB_FLOW_EMBRYONIC_0);
    CHECK(glb_meta_code(of(3).meta) == GLB_FLOW_ESTABLISHED);
    CHECK(glb_meta_code(of(4).meta) == GLB_FLOW_NEW);
}

TEST_CASE("flow copy: flows that do not fit are stamped, established ones are not evicted", "[copy]") {
    Lines from(16384), into(4096);
    for (std::uint32_t i = 0; i < 6000; ++i)
        from.put(i, i + 1);
    FlowCopy copy(from.older(), into.newer(), {});
    const auto counts = copy.pass(now, ActiveProgram::older);
    CHECK(counts.copied + counts.no_place == 6000);
    CHECK(counts.evicted == 0);
    CHECK(into.slots().size() == counts.copied);
    const auto slots = into.slots();
    for (std::uint32_t i = 0; i < 6000; ++i)
        if (!slots.contains(Lines::tag(i + 1)))
            CHECK(copy.stamps()[(Lines::tag(i + 1) >> 20) & (GLB_STAMPS - 1)]);
}

TEST_CASE("flow copy: two concurrent copies into one table leave one entry per flow", "[copy]") {
    Lines from(16384), into(16384);
    for (std::uint32_t i = 0; i < 4000; ++i)
        from.put(i * 2, i + 1);
    std::vector<std::thread> threads;
    for (int i = 0; i < 2; ++i)
        threads.emplace_back([&] {
            FlowCopy copy(from.older(), into.newer(), {});
            (void)copy.pass(now, ActiveProgram::newer);
        });
    for (auto &thread : threads)
        thread.join();
    CHECK(into.slots().size() == 4000);
}
