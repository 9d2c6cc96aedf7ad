// Rows of the flow table: content, liveness, and consistency under concurrent writes.
#include <catch2/catch.hpp>

#include <atomic>
#include <thread>

#include "tests/unit/observe/fake_table.h"

using namespace glb;
using namespace glb::datapath;
using namespace glb::test;

TEST_CASE("flow table: source and destination are those of the first packet", "[flows]") {
    FakeTable fake(4);
    fake.put(3);
    auto row = fake.table.row(3);
    REQUIRE(row);
    CHECK(row->source.to_string() == "192.0.2.10");
    CHECK(row->source_port == 40000);
    CHECK(row->destination.to_string() == "198.51.100.20");
    CHECK(row->destination_port == 80);
    CHECK(row->cookie == 0x3b3);
    CHECK(row->endpoint == 1);
    CHECK(row->meta.target() == 2);
    CHECK(row->protocol == IPPROTO_TCP);
    CHECK(row->start_tick == start);

    fake.cold[3].initiator = 1;
    row = fake.table.row(3);
    CHECK(row->source.to_string() == "198.51.100.20");
    CHECK(row->source_port == 80);
    CHECK(row->destination.to_string() == "192.0.2.10");
    CHECK(row->destination_port == 40000);

    fake.cold[3].family = 6;
    ::inet_pton(AF_INET6, "2001:db8::1", fake.cold[3].low);
    ::inet_pton(AF_INET6, "2001:db8:ffff::2", fake.cold[3].high);
    row = fake.table.row(3);
    CHECK(row->source.to_string() == "2001:db8:ffff::2");
    CHECK(row->destination.to_string() == "2001:db8::1");
}

TEST_CASE("flow table: counters are summed over the orientations, with their carry", "[flows]") {
    FakeTable fake(1);
    fake.put(0);
    const glb_flow_count counts[4] = {{1, 100}, {2, 2000}, {4, 0xffffffff}, {0xffffffff, 7}};
    std::copy(std::begin(counts), std::end(counts), fake.hot[0].count);
    fake.cold[0].carry[1] = 3;
    fake.cold[0].carry[2] = 0x10000;
    const auto row = fake.table.row(0);
    REQUIRE(row);
    CHECK(row->out == FlowTotals{3, 2100 + (3ull << 32)});
    CHECK(row->back == FlowTotals{0x100000003ull, (0x10000ull << 32) + 0xffffffffull + 7});
}

TEST_CASE("flow table: every code maps to a state; free and busy entries are no flows", "[flows]") {
    FakeTable fake(1);
    for (int code = GLB_FLOW_NEW; code < GLB_FLOW_CODES; ++code) {
        CAPTURE(code);
        fake.put(0, static_cast<glb_flow_code>(code));
        const auto expected = code <= GLB_FLOW_EMBRYONIC_LONG ? FlowState::unconfirmed
                              : code == GLB_FLOW_ESTABLISHED  ? FlowState::established
                              : code <= GLB_FLOW_CLOSING_1    ? FlowState::closing
                                                              : FlowState::closed;
        REQUIRE(fake.table.meta(0));
        CHECK(fake.table.meta(0)->state() == expected);
        REQUIRE(fake.table.row(0));
        CHECK(fake.table.row(0)->meta.state() == expected);
    }
    fake.put(0, GLB_FLOW_FREE);
    CHECK_FALSE(fake.table.meta(0));
    CHECK_FALSE(fake.table.row(0));
    fake.put(0);
    fake.hot[0].meta |= GLB_META_BUSY;
    CHECK_FALSE(fake.table.meta(0));
    CHECK_FALSE(fake.table.row(0));
}

TEST_CASE("flow table: a cold line of another generation is not part of the flow", "[flows]") {
    FakeTable fake(1);
    fake.put(0);
    fake.cold[0].generation ^= 1;
    CHECK(fake.table.meta(0));
    CHECK_FALSE(fake.table.row(0));
}

TEST_CASE("flow table: an entry is live until the timeout of its group and state", "[flows]") {
    TargetTimeouts timeouts(3);
    timeouts[2] = {.tcp_ticks = 1000 * second, .other_ticks = 500 * second};
    FakeTable fake(1);
    struct Case {
        glb_flow_code code;
        bool tcp;
        std::uint32_t seconds;
    };
    const auto c = GENERATE(
        Case{GLB_FLOW_NEW, true, 30}, Case{GLB_FLOW_NEW, false, 30}, Case{GLB_FLOW_EMBRYONIC, true, 30},
        Case{GLB_FLOW_EMBRYONIC_0, true, 1000}, Case{GLB_FLOW_EMBRYONIC_0, false, 30},
        Case{GLB_FLOW_EMBRYONIC_LONG_1, false, 500}, Case{GLB_FLOW_ESTABLISHED, true, 1000},
        Case{GLB_FLOW_ESTABLISHED, false, 500}, Case{GLB_FLOW_CLOSING_1, true, 1000},
        Case{GLB_FLOW_CLOSED, true, 10}, Case{GLB_FLOW_RESET, true, 30},
        Case{GLB_FLOW_RESET_PROBED_1, true, 30}, Case{GLB_FLOW_CLOSED_EMBRYONIC, true, 10});
    CAPTURE(c.code, c.tcp);
    fake.put(0, c.code, c.tcp);
    const auto meta = *fake.table.meta(0);
    const auto end = start + c.seconds * second;
    CHECK(meta.live(end - 1, timeouts));
    CHECK_FALSE(meta.live(end, timeouts));
}

TEST_CASE("flow table: an unconfigured target has the default timeouts", "[flows]") {
    FakeTable fake(1);
    fake.put(0);
    CHECK(fake.table.meta(0)->live(start + 350 * second - 1, {}));
    CHECK_FALSE(fake.table.meta(0)->live(start + 350 * second, TargetTimeouts(2, {1, 1})));
    fake.put(0, GLB_FLOW_ESTABLISHED, false);
    CHECK(fake.table.meta(0)->live(start + 120 * second - 1, {}));
    CHECK_FALSE(fake.table.meta(0)->live(start + 120 * second, {}));
}

TEST_CASE("flow table: a tick in the future is no idle time, and ticks may wrap", "[flows]") {
    FakeTable fake(1);
    fake.put(0, GLB_FLOW_CLOSED);
    CHECK(fake.table.meta(0)->idle(start - 1) == 0);
    CHECK(fake.table.meta(0)->live(start - 1, {}));
    fake.hot[0].meta = glb_meta_with_seen(fake.hot[0].meta, 0xfffffff0u);
    CHECK(fake.table.meta(0)->idle(16) == 32);
}

TEST_CASE("flow table: ticks are 2^26 ns", "[flows]") {
    CHECK(ticks_to_seconds(14) == 0);
    CHECK(ticks_to_seconds(15) == 1);
    CHECK(ticks_to_seconds(149'012) == 10'000);
    CHECK(ticks_to_seconds(0xffffffffu) == 288'230'376);
}

TEST_CASE("flow table: a map that cannot be mapped is an error", "[flows]") {
    const auto table = FlowTable::map(-1, -1, 4096);
    REQUIRE_FALSE(table);
    CHECK(table.error().code == EBADF);
}

namespace {

using Word __attribute__((may_alias)) = std::uint64_t;

void store(void *word, std::uint64_t value) {
    __atomic_store_n(static_cast<Word *>(word), value, __ATOMIC_RELAXED);
}

/// Inserts flow after flow into one entry by the data path's protocol. Every word of a flow is derived from
/// its number, so that a row of two flows is detected. Word-wise atomic stores only for TSan.
void enter_flows(FakeTable &fake, std::atomic<std::uint32_t> &begun, const std::atomic<bool> &end) {
    for (std::uint32_t n = 1; !end; ++n) {
        begun = n;
        auto &hot = fake.hot[0];
        const auto seen = __atomic_load_n(&hot.meta, __ATOMIC_RELAXED);
        __atomic_exchange_n(&hot.meta, seen | GLB_META_BUSY, __ATOMIC_ACQ_REL);
        for (auto &count : hot.count)
            store(&count, std::bit_cast<std::uint64_t>(glb_flow_count{n, n}));
        glb_flow_cold cold{};
        cold.low[0] = cold.high[0] = cold.start_tick = n;
        cold.endpoint = n;
        cold.family = 4;
        cold.ip_proto = static_cast<std::uint8_t>(n >> 8);
        cold.low_port = cold.high_port = static_cast<std::uint16_t>(n);
        cold.generation = static_cast<std::uint8_t>(n);
        std::fill(std::begin(cold.carry), std::end(cold.carry), n);
        const auto words = std::bit_cast<std::array<std::uint64_t, 8>>(cold);
        for (std::size_t i = 0; i < words.size(); ++i)
            store(reinterpret_cast<std::uint64_t *>(&fake.cold[0]) + i, words[i]);
        __atomic_exchange_n(&hot.meta, glb_meta_make(GLB_FLOW_NEW, 1, n, n & 0xffff, n), __ATOMIC_ACQ_REL);
        // State and time change during the life of the flow: readers must not take that for another flow.
        for (std::uint32_t i = 1; i < 8; ++i)
            __atomic_exchange_n(&hot.meta, glb_meta_make(GLB_FLOW_ESTABLISHED, 1, n, n & 0xffff, n),
                                __ATOMIC_ACQ_REL);
    }
}

bool is_of_one_flow(const FlowRow &row) {
    const auto n = row.endpoint;
    const FlowTotals totals{2ull * n, 2 * ((std::uint64_t{n} << 32) + n)};
    return row.meta.generation() == (n & 0xff) && row.meta.target() == (n & 0xffff) &&
           row.protocol == (n >> 8 & 0xff) && row.start_tick == n && row.source.v4_network_order() == n &&
           row.destination.v4_network_order() == n &&
           row.source_port == htons(static_cast<std::uint16_t>(n)) &&
           row.destination_port == htons(static_cast<std::uint16_t>(n)) && row.out == totals &&
           row.back == totals;
}

} // namespace

TEST_CASE("flow table: no row mixes two flows while another thread replaces them", "[flows][concurrency]") {
    FakeTable fake(1);
    std::atomic<bool> end = false;
    std::atomic<std::uint32_t> begun = 0;
    std::thread writer([&] { enter_flows(fake, begun, end); });
    std::uint64_t rows = 0, torn = 0;
    std::uint32_t last = 0, flows = 0;
    const auto begin = std::chrono::steady_clock::now();
    const auto time = [&] { return std::chrono::steady_clock::now() - begin; };
    // On a loaded machine it takes longer until both threads have overlapped often enough.
    while (time() < std::chrono::milliseconds(1500) ||
           ((rows <= 1000 || flows <= 100) && time() < std::chrono::seconds(60)))
        for (int i = 0; i < 1000; ++i) {
            const auto before = begun.load();
            const auto row = fake.table.row(0);
            // A generation has 8 bits: a reader that was suspended for 256 flows (hours in a real entry)
            // cannot detect the change.
            if (row && begun - before < 0x100) {
                ++rows;
                torn += !is_of_one_flow(*row);
                flows += row->endpoint != last;
                last = row->endpoint;
            }
        }
    end = true;
    writer.join();
    CHECK(torn == 0);
    CHECK(rows > 1000);
    CHECK(flows > 100); // else the threads did not overlap
}
