#include <catch2/catch.hpp>

#include <numeric>

#include "controller/observe/flow_scan.h"
#include "tests/unit/observe/fake_table.h"

using namespace glb;
using namespace glb::datapath;
using namespace glb::test;
using namespace std::chrono_literals;

TEST_CASE("a scan visits every slot once, in slices that end with their budget", "[flows]") {
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

    CHECK_FALSE(scanner.step(600us, visit)); // 256 a stride: the third passes the budget
    CHECK(visited.size() == 3 * FlowScanner::stride);
    CHECK_FALSE(scanner.step(0ns, visit)); // no time at all, and yet it goes on
    CHECK(visited.size() == 4 * FlowScanner::stride);
    int steps = 2;
    while (!scanner.step(600us, visit))
        ++steps;
    CHECK(steps == 4);
    std::vector<std::uint32_t> all(capacity);
    std::iota(all.begin(), all.end(), 0);
    CHECK(visited == all);
    CHECK(scanner.step(600us, visit)); // and stays at the end
    CHECK(visited.size() == capacity);
}

TEST_CASE("the census counts live entries by state and by target", "[flows]") {
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
    CHECK(count.of(FlowState::unconfirmed) == 2);
    CHECK(count.of(FlowState::established) == 2);
    CHECK(count.of(FlowState::closing) == 1);
    CHECK(count.of(FlowState::closed) == 1);
    CHECK(count.by_target.at(2) == 4);
    CHECK(count.by_target.at(9) == 1);
    CHECK(std::accumulate(count.by_target.begin(), count.by_target.end(), 0u) == 5);

    count = count_flows(fake.table, {}, start + 30 * second); // new and closed are over
    CHECK(count.active == 4);
    CHECK(count.of(FlowState::unconfirmed) == 1);
    CHECK(count.of(FlowState::closed) == 0);

    TargetTimeouts timeouts(10);
    timeouts[9].tcp_ticks = 60 * second;
    count = count_flows(fake.table, timeouts, start + 60 * second);
    CHECK(count.of(FlowState::closing) == 0);
    CHECK(count.by_target.at(9) == 0);
}

TEST_CASE("a census tells which endpoints have flows, where it is asked", "[flows]") {
    FakeTable fake(4096);
    const auto endpoints = [&](bool asked) {
        FlowStatsScan census(fake.table, {}, start, nullptr, asked);
        while (!census.step(std::chrono::nanoseconds::max()))
            continue;
        return census.count().endpoints;
    };
    CHECK_FALSE(endpoints(false));
    CHECK(endpoints(true).value().empty());
    fake.put(5);
    fake.put(6);
    fake.cold[6].endpoint = 7;
    fake.put(7);
    fake.cold[7].endpoint = 9;
    fake.cold[7].generation ^= 1; // written anew between the two lines
    CHECK(endpoints(true).value() == std::set<std::uint32_t>{1, 7});
    fake.hot[6].meta = 0;
    CHECK(endpoints(true).value() == std::set<std::uint32_t>{1});
}

TEST_CASE("a census tells by which next hops packets were sent lately", "[flows]") {
    FakeTable fake(4096);
    const auto word = [](std::uint64_t hop, std::uint32_t tick) {
        return hop | 0x1234ull << 16 | std::uint64_t{tick & 0xffffff} << 32 | 0xb3ull << 56;
    };
    fake.put(5);
    fake.hot[5].egress[0] = word(7, start);
    fake.hot[5].egress[1] = word(8, start - 29 * second);
    fake.put(6);
    fake.hot[6].egress[0] = word(9, start - 31 * second);
    fake.hot[7].egress[0] = word(10, start); // no flow
    CHECK(count_flows(fake.table, {}, start).next_hops == std::set<std::uint16_t>{7, 8});
    CHECK(count_flows(fake.table, {}, start + 2 * second).next_hops == std::set<std::uint16_t>{7});
}

TEST_CASE("a census in slices counts as one at once", "[flows]") {
    FakeTable fake(16384);
    for (std::uint32_t slot = 0; slot < 16384; slot += 3)
        fake.put(slot);
    FlowStatsScan census(fake.table, {}, start);
    std::uint64_t steps = 1;
    while (!census.step(0ns))
        ++steps;
    CHECK(steps == 16384 / FlowScanner::stride);
    CHECK(census.count().active == count_flows(fake.table, {}, start).active);
    CHECK(census.count().active == 5462);
}

TEST_CASE("a TCP flow that stays half counts once as one-way, at the second scan", "[flows]") {
    FakeTable fake(4096);
    AsymmetricTcpDetector watch;
    const auto scan = [&] {
        FlowStatsScan census(fake.table, {}, start, &watch);
        while (!census.step(std::chrono::nanoseconds::max()))
            continue;
        return watch.total();
    };
    fake.put(5, GLB_FLOW_EMBRYONIC_0);
    fake.put(6, GLB_FLOW_EMBRYONIC_LONG);
    fake.put(7, GLB_FLOW_EMBRYONIC);          // a SYN alone came back: nobody answers it
    fake.put(8, GLB_FLOW_EMBRYONIC_0, false); // not TCP
    fake.put(9, GLB_FLOW_EMBRYONIC_SYNACK_1);
    fake.put(10, GLB_FLOW_ESTABLISHED);
    CHECK(scan() == 0);
    fake.put(9, GLB_FLOW_ESTABLISHED); // its handshake was under way
    CHECK(scan() == 2);
    CHECK(scan() == 2);
    fake.put(5, GLB_FLOW_EMBRYONIC_0, true, 77); // another flow in the same place
    CHECK(scan() == 2);
    CHECK(scan() == 3);
    fake.hot[6].meta = 0;
    CHECK(scan() == 3);
    fake.put(6, GLB_FLOW_EMBRYONIC_LONG);
    CHECK(scan() == 3);
    CHECK(scan() == 4);
}
