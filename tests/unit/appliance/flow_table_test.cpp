#include <thread>

#include <catch2/catch.hpp>

#include "appliance/flow_table.h"

using namespace glb::appliance;
using namespace std::chrono_literals;

namespace {

constexpr TimePoint start{1h};

FlowKey flow(std::uint32_t number, std::uint64_t endpoint = 1) {
    FlowKey key{.endpoint = endpoint, .low_port = 1, .high_port = 2, .ip_version = 4, .ip_proto = 6};
    for (std::size_t i = 0; i < 4; ++i)
        key.low_address[i] = static_cast<std::uint8_t>(number >> 8 * i);
    return key;
}

ReturnPath path(std::uint16_t port) {
    ReturnPath result{};
    result.entropy_port = port;
    result.header_length = 40;
    return result;
}

} // namespace

TEST_CASE("flow table: a flow has its latest header") {
    FlowTable table(1000, 60s, 1);
    CHECK_FALSE(table.find(flow(1), start));
    table.insert(flow(1), path(10), OnExisting::replace, start);
    table.insert(flow(1), path(11), OnExisting::replace, start);
    REQUIRE(table.find(flow(1), start));
    CHECK(table.find(flow(1), start)->entropy_port == 11);
    CHECK_FALSE(table.find(flow(1, 2), start)); // another endpoint
    CHECK(table.size() == 1);
}

TEST_CASE("flow table: OnExisting::keep keeps the first header") {
    FlowTable table(1000, 60s, 1);
    table.insert(flow(1), path(10), OnExisting::keep, start);
    table.insert(flow(1), path(11), OnExisting::keep, start);
    REQUIRE(table.find(flow(1), start));
    CHECK(table.find(flow(1), start)->entropy_port == 10);
}

TEST_CASE("flow table: idle flows expire, used ones do not") {
    FlowTable table(1000, 60s, 1);
    table.insert(flow(1), path(10), OnExisting::replace, start);
    table.insert(flow(2), path(20), OnExisting::replace, start);
    CHECK(table.find(flow(2), start + 50s));
    CHECK_FALSE(table.find(flow(1), start + 61s));
    CHECK(table.find(flow(2), start + 61s));
    table.expire(start + 62s);
    CHECK(table.size() == 1);
    table.expire(start + 200s);
    CHECK(table.size() == 0);
}

TEST_CASE("flow table: a full table evicts the least recently used flow") {
    FlowTable table(1, 60s, 1); // one flow per shard
    std::uint32_t number = 0;
    for (; number < 10'000; ++number)
        table.insert(flow(number), path(1), OnExisting::replace, start);
    CHECK(table.size() == FlowTable::shard_count);
    CHECK(table.find(flow(number - 1), start));
    CHECK_FALSE(table.find(flow(0), start));
}

TEST_CASE("flow table: an active flow survives a flood of new ones") {
    FlowTable table(64 * FlowTable::shard_count, 60s, 1);
    table.insert(flow(0), path(7), OnExisting::replace, start);
    for (std::uint32_t number = 1; number < 100'000; ++number) {
        table.insert(flow(number), path(1), OnExisting::replace, start);
        if (number % 100 == 0)
            REQUIRE(table.find(flow(0), start));
    }
    CHECK(table.size() <= 64 * FlowTable::shard_count);
    CHECK(table.find(flow(0), start)->entropy_port == 7);
}

TEST_CASE("flow table: concurrent threads find their flows") {
    FlowTable table(100'000, 60s, 1);
    std::array<unsigned, 2> wrong{};
    const auto work = [&](std::size_t thread) {
        for (std::uint32_t number = 0; number < 20'000; ++number) {
            const auto key = flow(number, thread);
            table.insert(key, path(static_cast<std::uint16_t>(number)), OnExisting::replace, start);
            const auto found = table.find(key, start);
            wrong[thread] += !found || found->entropy_port != static_cast<std::uint16_t>(number);
        }
    };
    std::thread first(work, 0), second(work, 1);
    first.join();
    second.join();
    CHECK(wrong[0] + wrong[1] == 0);
    CHECK(table.size() == 40'000);
}
