#include <catch2/catch.hpp>

#include <numeric>

#include "controller/observe/flow_scan.h"
#include "tests/unit/observe/fake_table.h"

using namespace glb;
using namespace glb::datapath;
using namespace glb::observe;
using namespace glb::test;
using namespace std::chrono_literals;

TEST_CASE("flow scanner: every slot is visited once, in steps limited by their budget", "[flows]") {
    const std::uint32_t capacity = 10 * FlowScanner::stride + 7;
    FakeTable fake(capacity);
    std::chrono::steady_clock::time_point now{};
    FlowScanner scanner(fake.table, [&] { return now; });
    std::vector<std::uint32_t> visited;
    const auto visit = [&](std::uint32_t slot) {
        visited.push_back(slot);
        now += 1us;
        return true;
    };

    CHECK_FALSE(scanner.step(600us, visit)); // 256 us per stride: the third one exceeds the budget
    CHECK(visited.size() == 3 * FlowScanner::stride);
    CHECK_FALSE(scanner.step(0ns, visit)); // a step without budget still visits a stride
    CHECK(visited.size() == 4 * FlowScanner::stride);
    int steps = 2;
    while (!scanner.step(600us, visit))
        ++steps;
    CHECK(steps == 4);
    std::vector<std::uint32_t> all(capacity);
    std::iota(all.begin(), all.end(), 0);
    CHECK(visited == all);
    CHECK(scanner.step(600us, visit)); // stays complete
    CHECK(visited.size() == capacity);
}

TEST_CASE("flow scan: live entries are counted by state and by target", "[flows]") {
    FakeTable fake(4096);
    fake.put(0, GLB_FLOW_NEW);
    fake.put(10, GLB_FLOW_EMBRYONIC_SYNACK_1);
    fake.put(20, GLB_FLOW_ESTABLISHED);
    fake.put(30, GLB_FLOW_ESTABLISHED, false);
    fake.put(40, GLB_FLOW_CLOSING_0);
    fake.put(4095, GLB_FLOW_CLOSED);
    fake.hot[40].meta = glb_meta_with_target(fake.hot[40].meta, 9);
    fake.hot[30].meta = glb_meta_with_target(fake.hot[30].meta, GLB_NO_TARGET);
    fake.put(50);
    fake.hot[50].meta |= GLB_META_BUSY;

    auto count = count_flows(fake.table, {}, start);
    CHECK(count.active == 6);
    CHECK(count.of(datapath::FlowState::unconfirmed) == 2);
    CHECK(count.of(datapath::FlowState::established) == 2);
    CHECK(count.of(datapath::FlowState::closing) == 1);
    CHECK(count.of(datapath::FlowState::closed) == 1);
    CHECK(count.by_target.at(2) == 4);
    CHECK(count.by_target.at(9) == 1);
    CHECK(std::accumulate(count.by_target.begin(), count.by_target.end(), 0u) == 5);

    count = count_flows(fake.table, {}, start + 30 * second); // new and closed entries have expired
    CHECK(count.active == 4);
    CHECK(count.of(datapath::FlowState::unconfirmed) == 1);
    CHECK(count.of(datapath::FlowState::closed) == 0);

    TargetTimeouts timeouts(10);
    timeouts[9].tcp_ticks = 60 * second;
    count = count_flows(fake.table, timeouts, start + 60 * second);
    CHECK(count.of(datapath::FlowState::closing) == 0);
    CHECK(count.by_target.at(9) == 0);
}

TEST_CASE("flow scan: endpoints with flows are collected on request", "[flows]") {
    FakeTable fake(4096);
    const auto endpoints = [&](bool requested) {
        FlowStatsScan scan(fake.table, {}, start, nullptr, requested);
        while (!scan.step(std::chrono::nanoseconds::max()))
            continue;
        return scan.count().endpoints;
    };
    CHECK_FALSE(endpoints(false));
    CHECK(endpoints(true).value().empty());
    fake.put(5);
    fake.put(6);
    fake.cold[6].endpoint = 7;
    fake.put(7);
    fake.cold[7].endpoint = 9;
    fake.cold[7].generation ^= 1; // replaced between the reads of its two lines
    CHECK(endpoints(true).value() == std::set<std::uint32_t>{1, 7});
    fake.hot[6].meta = 0;
    CHECK(endpoints(true).value() == std::set<std::uint32_t>{1});
}

TEST_CASE("flow scan: next hops used in the last 30 seconds are collected", "[flows]") {
    FakeTable fake(4096);
    const auto egress_word = [](std::uint64_t hop, std::uint32_t tick) {
        return hop | 0x1234ull << 16 | std::uint64_t{tick & 0xffffff} << 32 | 0xb3ull << 56;
    };
    fake.put(5);
    fake.hot[5].egress[0] = egress_word(7, start);
    fake.hot[5].egress[1] = egress_word(8, start - 29 * second);
    fake.put(6);
    fake.hot[6].egress[0] = egress_word(9, start - 31 * second);
    fake.hot[7].egress[0] = egress_word(10, start); // no flow
    CHECK(count_flows(fake.table, {}, start).next_hops == std::set<std::uint16_t>{7, 8});
    CHECK(count_flows(fake.table, {}, start + 2 * second).next_hops == std::set<std::uint16_t>{7});
}

TEST_CASE("flow scan: an incremental scan counts the same as a complete one", "[flows]") {
    FakeTable fake(16384);
    for (std::uint32_t slot = 0; slot < 16384; slot += 3)
        fake.put(slot);
    FlowStatsScan scan(fake.table, {}, start);
    std::uint64_t steps = 1;
    while (!scan.step(0ns))
        ++steps;
    CHECK(steps == 16384 / FlowScanner::stride);
    CHECK(scan.count().active == count_flows(fake.table, {}, start).active);
    CHECK(scan.count().active == 5462);
}

TEST_CASE("asymmetric TCP: a flow that stays embryonic is counted once, by the second scan", "[flows]") {
    FakeTable fake(4096);
    AsymmetricTcpDetector detector;
    const auto run_scan = [&] {
        FlowStatsScan scan(fake.table, {}, start, &detector);
        while (!scan.step(std::chrono::nanoseconds::max()))
            continue;
        return detector.total();
    };
    fake.put(5, GLB_FLOW_EMBRYONIC_0);
    fake.put(6, GLB_FLOW_EMBRYONIC_LONG);
    fake.put(7, GLB_FLOW_EMBRYONIC);          // only a SYN returned: it is unanswered
    fake.put(8, GLB_FLOW_EMBRYONIC_0, false); // not TCP
    fake.put(9, GLB_FLOW_EMBRYONIC_SYNACK_1);
    fake.put(10, GLB_FLOW_ESTABLISHED);
    CHECK(run_scan() == 0);
    fake.put(9, GLB_FLOW_ESTABLISHED); // its handshake was in progress
    CHECK(run_scan() == 2);
    CHECK(run_scan() == 2);
    fake.put(5, GLB_FLOW_EMBRYONIC_0, true, 77); // another flow in the same slot
    CHECK(run_scan() == 2);
    CHECK(run_scan() == 3);
    fake.hot[6].meta = 0;
    CHECK(run_scan() == 3);
    fake.put(6, GLB_FLOW_EMBRYONIC_LONG);
    CHECK(run_scan() == 3);
    CHECK(run_scan() == 4);
}
