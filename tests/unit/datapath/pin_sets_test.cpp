// What a daemon that starts does about the sets of maps that it finds; and links that change all or not at
// all.
#include <catch2/catch.hpp>

#include "controller/datapath/attachments.h"
#include "controller/datapath/pin_sets.h"

using namespace glb;
using namespace glb::datapath;

namespace {

constexpr std::uint32_t size = 65536;

PinSetInfo set(std::uint32_t schema, std::uint32_t table_id, unsigned interfaces,
               std::uint32_t previous_table_id = 0) {
    return {schema, true, size, table_id, interfaces, previous_table_id};
}

} // namespace

TEST_CASE("nothing is there: begin afresh", "[sets]") {
    const auto plan = plan_takeover({}, 2, size);
    CHECK_FALSE(plan.own);
    CHECK_FALSE(plan.source);
}

TEST_CASE("a set that was never filled is thrown away", "[sets]") {
    auto half = set(2, 10, 0);
    half.filled = false;
    const auto plan = plan_takeover({half}, 2, size);
    CHECK_FALSE(plan.own);
    CHECK_FALSE(plan.source);
    CHECK(plan.discard == std::vector<std::size_t>{0});
}

TEST_CASE("the set that the links hold is taken over, with links or, where none is left, without", "[sets]") {
    for (const unsigned interfaces : {3u, 0u}) {
        const auto plan = plan_takeover({set(2, 10, interfaces)}, 2, size);
        CHECK(plan.own == 0u);
        CHECK_FALSE(plan.source);
        CHECK(plan.discard.empty());
    }
}

TEST_CASE("another schema, or another size, is a source", "[sets]") {
    const auto other_schema = plan_takeover({set(2, 10, 3)}, 3, size);
    CHECK_FALSE(other_schema.own);
    CHECK(other_schema.source == 0u);
    const auto other_size = plan_takeover({set(2, 10, 3)}, 2, 2 * size);
    CHECK_FALSE(other_size.own);
    CHECK(other_size.source == 0u);
}

TEST_CASE("a move cut short before the first link is begun again, its set thrown away", "[sets]") {
    const std::vector<PinSetInfo> sets = {set(2, 10, 3), set(3, 20, 0)};
    const auto forward = plan_takeover(sets, 3, size);
    CHECK_FALSE(forward.own);
    CHECK(forward.source == 0u);
    CHECK(forward.discard == std::vector<std::size_t>{1});
    const auto back = plan_takeover(sets, 2, size);
    CHECK(back.own == 0u);
    CHECK_FALSE(back.source);
    CHECK(back.discard == std::vector<std::size_t>{1});
}

TEST_CASE("between two links it is finished, towards either version", "[sets]") {
    const std::vector<PinSetInfo> sets = {set(2, 10, 2), set(3, 20, 1, 10)};
    const auto forward = plan_takeover(sets, 3, size);
    CHECK(forward.own == 1u);
    CHECK(forward.source == 0u);
    const auto back = plan_takeover(sets, 2, size);
    CHECK(back.own == 0u);
    CHECK(back.source == 1u);
    CHECK(forward.discard.empty());
    CHECK(back.discard.empty());
}

TEST_CASE("after the last link the older table still has what was not copied", "[sets]") {
    const std::vector<PinSetInfo> sets = {set(2, 10, 0), set(3, 20, 3, 10)};
    const auto forward = plan_takeover(sets, 3, size);
    CHECK(forward.own == 1u);
    CHECK(forward.source == 0u);
    CHECK(forward.discard.empty());
}

TEST_CASE("once no program looks into it, the older set is done with", "[sets]") {
    const auto plan = plan_takeover({set(2, 10, 0), set(3, 20, 3)}, 3, size);
    CHECK(plan.own == 1u);
    CHECK_FALSE(plan.source);
    CHECK(plan.discard == std::vector<std::size_t>{0});
}

TEST_CASE("a third version begins from the one that knows both", "[sets]") {
    const auto plan = plan_takeover({set(2, 10, 2), set(3, 20, 1, 10)}, 4, size);
    CHECK_FALSE(plan.own);
    CHECK(plan.source == 1u);
    CHECK(plan.discard.empty());
}

TEST_CASE("links change all or not at all", "[attach]") {
    std::vector<std::string> done;
    const auto put = [&](unsigned ifindex) -> Status {
        if (ifindex == 7)
            return fail("interface 7 refuses");
        done.push_back("put " + std::to_string(ifindex));
        return {};
    };
    const auto put_back = [&](unsigned ifindex) -> Status {
        done.push_back("back " + std::to_string(ifindex));
        return ifindex == 9 ? fail("interface 9 is lost") : Status{};
    };
    CHECK(all_or_none({3, 4}, put, put_back));
    CHECK(done == std::vector<std::string>{"put 3", "put 4"});
    done.clear();
    const auto failed = all_or_none({9, 3, 7, 4}, put, put_back);
    REQUIRE_FALSE(failed);
    CHECK(done == std::vector<std::string>{"put 9", "put 3", "back 3", "back 9"});
    CHECK(failed.error().message == "interface 7 refuses; and interface 9 is lost");
}
