// Which entry of a full table a new flow evicts, and when a flow expires.
#include <catch2/catch.hpp>

#include <array>
#include <string>

#include <linux/bpf.h>

#include "tests/native/full_table.h"
#include "tests/native/sample.h"

using namespace glb::test;

namespace {

const Packet new_flow = IPv4{} / Tcp{.sport = 40000, .dport = 80, .flags = tcp::syn};
constexpr std::uint32_t second = GLB_TICKS_PER_SECOND;
constexpr std::size_t first = 3, last = 12; // one in each bucket

/// Whether the first of two entries is evicted, at either candidate.
bool is_evicted_before(const Entry &victim, const Entry &survivor) {
    bool as_expected = true;
    for (const auto &[at, other] : {std::pair{first, last}, std::pair{last, first}}) {
        NativeRig rig;
        FullTable table(new_flow, rig);
        table.put(at, victim);
        table.put(other, survivor);
        as_expected = as_expected && table.insert() == at;
    }
    return as_expected;
}

} // namespace

TEST_CASE("eviction: order is free, expired, closed, new, embryonic, one-way, other protocols than TCP",
          "[eviction]") {
    // Each has been idle for longer than those before it, which are nevertheless evicted first.
    const std::array<Entry, 8> order{{
        {.code = GLB_FLOW_FREE, .idle = 0},
        {.code = GLB_FLOW_CLOSED, .idle = 1},
        {.code = GLB_FLOW_RESET, .idle = 2},
        {.code = GLB_FLOW_NEW, .idle = 3},
        {.code = GLB_FLOW_EMBRYONIC, .idle = 4},
        {.code = GLB_FLOW_EMBRYONIC_LONG_0, .tcp = false, .idle = 15 * second},
        {.code = GLB_FLOW_ESTABLISHED, .tcp = false, .idle = 20 * second},
        {.code = GLB_FLOW_ESTABLISHED, .tcp = true, .idle = 300 * second},
    }};
    for (std::size_t victim = 0; victim < order.size(); ++victim)
        for (std::size_t survivor = victim + 1; survivor < order.size(); ++survivor) {
            CAPTURE(victim, survivor);
            // Reset and closed are one class: the longest idle is evicted.
            if (victim != 1 || survivor != 2)
                CHECK(is_evicted_before(order[victim], order[survivor]));
        }
    const Entry expired{.code = GLB_FLOW_NEW, .idle = 30 * second};
    for (std::size_t survivor = 1; survivor < order.size(); ++survivor) {
        CAPTURE(survivor);
        CHECK(is_evicted_before(expired, order[survivor]));
    }
}

TEST_CASE("eviction: within a class the longest idle flow is evicted", "[eviction]") {
    const auto [code, tcp] = GENERATE(table<std::uint32_t, bool>({
        {GLB_FLOW_CLOSED, true},
        {GLB_FLOW_CLOSED, false},
        {GLB_FLOW_CLOSED_EMBRYONIC, true},
        {GLB_FLOW_RESET, true},
        {GLB_FLOW_RESET_PROBED_1, true},
        {GLB_FLOW_NEW, true},
        {GLB_FLOW_NEW, false},
        {GLB_FLOW_EMBRYONIC, true},
        {GLB_FLOW_EMBRYONIC_SYNACK_1, true},
        {GLB_FLOW_EMBRYONIC_LONG, true},
    }));
    CAPTURE(code, tcp);
    CHECK(is_evicted_before({.code = code, .tcp = tcp, .idle = 8}, {.code = code, .tcp = tcp, .idle = 7}));
    for (const bool is_tcp : {true, false})
        CHECK(is_evicted_before({.code = GLB_FLOW_EMBRYONIC_LONG_0, .tcp = is_tcp, .idle = 12 * second},
                                {.code = GLB_FLOW_EMBRYONIC_LONG_1, .tcp = is_tcp, .idle = 11 * second}));
    const Entry longest{.tcp = false, .idle = 21 * second}, less{.tcp = false, .idle = 20 * second};
    CHECK(is_evicted_before(longest, less));
    // All embryonic states are one class.
    CHECK(is_evicted_before({.code = GLB_FLOW_EMBRYONIC, .idle = 8},
                            {.code = GLB_FLOW_EMBRYONIC_LONG, .idle = 7}));
    CHECK(is_evicted_before({.code = GLB_FLOW_EMBRYONIC_LONG, .idle = 8},
                            {.code = GLB_FLOW_EMBRYONIC, .idle = 7}));
}

TEST_CASE("eviction: an entry seen a tick ahead of this CPU's clock counts as just seen", "[eviction]") {
    constexpr std::uint32_t ahead = 0xffffffff;
    for (const std::uint32_t code : {GLB_FLOW_CLOSED, GLB_FLOW_NEW, GLB_FLOW_EMBRYONIC}) {
        CAPTURE(code);
        CHECK(is_evicted_before({.code = code, .idle = 1}, {.code = code, .idle = ahead}));
    }
    NativeRig rig;
    FullTable table(new_flow, rig);
    table.put(first, {.tcp = false, .idle = ahead});
    CHECK_FALSE(table.insert());
}

TEST_CASE("eviction: established TCP survivor and the new flow is untracked", "[eviction]") {
    NativeRig rig;
    FullTable table(new_flow, rig);
    const std::uint32_t code = GENERATE(GLB_FLOW_ESTABLISHED, GLB_FLOW_CLOSING_0, GLB_FLOW_CLOSING_1);
    for (std::size_t candidate = 0; candidate < 16; ++candidate)
        table.put(candidate, {.code = code, .idle = 350 * second - 1});
    CHECK_FALSE(table.insert());
    CHECK(rig.count(GLB_COUNT_UNTRACKED) == 1);
    CHECK(rig.count(GLB_COUNT_ENCAPSULATED) == 1);
    CHECK(rig.count(GLB_COUNT_FLOW_REPLACED) == 0);
}

TEST_CASE("eviction: one-way flows and those of other protocols stay until idle for ten seconds",
          "[eviction]") {
    const auto [code, tcp] = GENERATE(table<std::uint32_t, bool>({{GLB_FLOW_ESTABLISHED, false},
                                                                  {GLB_FLOW_EMBRYONIC_LONG_0, false},
                                                                  {GLB_FLOW_EMBRYONIC_LONG_1, true}}));
    CAPTURE(code, tcp);
    NativeRig rig;
    FullTable table(new_flow, rig);
    for (std::size_t candidate = 0; candidate < 16; ++candidate)
        table.put(candidate, {.code = code, .tcp = tcp, .idle = 10 * second - 1});
    CHECK_FALSE(table.insert());
    table.put(last, {.code = code, .tcp = tcp, .idle = 10 * second});
    CHECK(table.insert() == last);
    CHECK(rig.count(GLB_COUNT_FLOW_REPLACED) == 1);
}

TEST_CASE("eviction: a busy entry is not evicted", "[eviction]") {
    NativeRig rig;
    FullTable table(new_flow, rig);
    for (std::size_t candidate = 0; candidate < 16; ++candidate) {
        table.put(candidate, {.code = GLB_FLOW_NEW, .idle = 60 * second});
        table.line(candidate).meta |= GLB_META_BUSY;
    }
    CHECK_FALSE(table.insert());
    CHECK(rig.count(GLB_COUNT_UNTRACKED) == 1);
}

namespace {

/// Both banks are the sample's except for the groups' timeouts (seconds); target 1 is in another group, whose
/// index differs between the banks.
struct TwoBanks : NativeRig {
    TwoBanks() {
        double_bank<glb_node>("glb_node");
        double_bank<glb_logical_port>("glb_logical_ports");
        double_bank<glb_endpoint>("glb_endpoints");
        double_bank<glb_endpoint_id>("glb_endpoint_ids");
        double_bank<glb_group>("glb_groups");
        double_bank<glb_target>("glb_targets");
        const auto targets = kernel.rows<glb_target>("glb_targets");
        targets[1].group = 9;
        targets[GLB_MAX_TARGETS + 1].group = 10;
        set_timeouts(0, 2, 400, 90);
        set_timeouts(0, 9, 600, 150);
        set_timeouts(1, 2, 60, 40);
        set_timeouts(1, 10, 80, 50);
    }

  private:
    template <typename T>
    void double_bank(std::string_view name) {
        const auto rows = kernel.rows<T>(name);
        std::ranges::copy(rows.first(rows.size() / 2), rows.last(rows.size() / 2).begin());
    }
    void set_timeouts(std::uint32_t bank, std::uint32_t group, std::uint32_t tcp, std::uint32_t other) {
        auto &row = kernel.rows<glb_group>("glb_groups")[bank * GLB_MAX_GROUPS + group];
        row.tcp_ticks = tcp * second;
        row.other_ticks = other * second;
    }
};

/// Whether the entry has expired: it is evicted before one that has just closed, without counting a live
/// flow.
bool has_expired(std::uint32_t bank, const Entry &entry) {
    TwoBanks rig;
    FullTable table(new_flow, rig);
    rig.kernel.rows<glb_control>("glb_control")[0].bank = bank;
    table.put(first, entry);
    table.put(last, {.code = GLB_FLOW_CLOSED, .idle = 0});
    const auto candidate = table.insert();
    REQUIRE(candidate);
    return candidate == first && rig.count(GLB_COUNT_FLOW_REPLACED) == 0;
}

void check_timeout(std::uint32_t bank, Entry entry, std::uint32_t seconds) {
    CAPTURE(bank, entry.code, entry.tcp, entry.target);
    entry.idle = seconds * second - 1;
    CHECK_FALSE(has_expired(bank, entry));
    entry.idle = seconds * second;
    CHECK(has_expired(bank, entry));
}

} // namespace

TEST_CASE("eviction: idle timeout is that of the flow's group in the packet's bank", "[eviction]") {
    for (const std::uint32_t code :
         {GLB_FLOW_ESTABLISHED, GLB_FLOW_CLOSING_0, GLB_FLOW_CLOSING_1, GLB_FLOW_EMBRYONIC_0}) {
        check_timeout(0, {.code = code, .target = 0}, 400);
        check_timeout(0, {.code = code, .target = 1}, 600);
        check_timeout(1, {.code = code, .target = 0}, 60);
        check_timeout(1, {.code = code, .target = 1}, 80);
    }
    for (const std::uint32_t code :
         {GLB_FLOW_ESTABLISHED, GLB_FLOW_EMBRYONIC_LONG_0, GLB_FLOW_EMBRYONIC_LONG_1}) {
        check_timeout(0, {.code = code, .tcp = false, .target = 0}, 90);
        check_timeout(0, {.code = code, .tcp = false, .target = 1}, 150);
        check_timeout(1, {.code = code, .tcp = false, .target = 0}, 40);
        check_timeout(1, {.code = code, .tcp = false, .target = 1}, 50);
    }
    // Without the target's group the default timeouts apply.
    check_timeout(1, {.target = 100}, 350);
    check_timeout(1, {.tcp = false, .target = 100}, 120);
}

TEST_CASE("eviction: new, closed and reset flows have fixed timeouts", "[eviction]") {
    const bool tcp = GENERATE(true, false);
    check_timeout(0, {.code = GLB_FLOW_CLOSED, .tcp = tcp}, 10);
    check_timeout(0, {.code = GLB_FLOW_CLOSED_EMBRYONIC, .tcp = tcp}, 10);
    check_timeout(0, {.code = GLB_FLOW_NEW, .tcp = tcp}, 30);
    check_timeout(0, {.code = GLB_FLOW_EMBRYONIC, .tcp = tcp}, 30);
    check_timeout(0, {.code = GLB_FLOW_RESET, .tcp = tcp}, 30);
    CHECK_FALSE(has_expired(
        0, {.code = GLB_FLOW_NEW, .tcp = tcp, .idle = 0xffffffff})); // the tick of another CPU is ahead
}
