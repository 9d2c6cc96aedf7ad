// The plan of a starting daemon for existing sets of maps; all-or-none changes of links.
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

TEST_CASE("takeover: without sets the daemon starts with new maps", "[sets]") {
    const auto plan = plan_takeover({}, 2, size);
    CHECK_FALSE(plan.active);
    CHECK_FALSE(plan.source);
}

TEST_CASE("takeover: a set that was never filled is discarded", "[sets]") {
    auto half = set(2, 10, 0);
    half.filled = false;
    const auto plan = plan_takeover({half}, 2, size);
    CHECK_FALSE(plan.active);
    CHECK_FALSE(plan.source);
    CHECK(plan.discard == std::vector<std::size_t>{0});
}

TEST_CASE("takeover: the set that links use is active, or the only one where no link exists", "[sets]") {
    for (const unsigned interfaces : {3u, 0u}) {
        const auto plan = plan_takeover({set(2, 10, interfaces)}, 2, size);
        CHECK(plan.active == 0u);
        CHECK_FALSE(plan.source);
        CHECK(plan.discard.empty());
    }
}

TEST_CASE("takeover: a set of another schema or size is a source", "[sets]") {
    const auto other_schema = plan_takeover({set(2, 10, 3)}, 3, size);
    CHECK_FALSE(other_schema.active);
    CHECK(other_schema.source == 0u);
    const auto other_size = plan_takeover({set(2, 10, 3)}, 2, 2 * size);
    CHECK_FALSE(other_size.active);
    CHECK(other_size.source == 0u);
}

TEST_CASE("takeover: a migration interrupted before the first link is restarted, its set discarded",
          "[sets]") {
    const std::vector<PinSetInfo> sets = {set(2, 10, 3), set(3, 20, 0)};
    const auto forward = plan_takeover(sets, 3, size);
    CHECK_FALSE(forward.active);
    CHECK(forward.source == 0u);
    CHECK(forward.discard == std::vector<std::size_t>{1});
    const auto back = plan_takeover(sets, 2, size);
    CHECK(back.active == 0u);
    CHECK_FALSE(back.source);
    CHECK(back.discard == std::vector<std::size_t>{1});
}

TEST_CASE("takeover: a migration interrupted between two links is finished, in either direction", "[sets]") {
    const std::vector<PinSetInfo> sets = {set(2, 10, 2), set(3, 20, 1, 10)};
    const auto forward = plan_takeover(sets, 3, size);
    CHECK(forward.active == 1u);
    CHECK(forward.source == 0u);
    const auto back = plan_takeover(sets, 2, size);
    CHECK(back.active == 0u);
    CHECK(back.source == 1u);
    CHECK(forward.discard.empty());
    CHECK(back.discard.empty());
}

TEST_CASE("takeover: after the last link the older table is still the source of the last pass", "[sets]") {
    const std::vector<PinSetInfo> sets = {set(2, 10, 0), set(3, 20, 3, 10)};
    const auto forward = plan_takeover(sets, 3, size);
    CHECK(forward.active == 1u);
    CHECK(forward.source == 0u);
    CHECK(forward.discard.empty());
}

TEST_CASE("takeover: an older set whose table no program looks up is discarded", "[sets]") {
    const auto plan = plan_takeover({set(2, 10, 0), set(3, 20, 3)}, 3, size);
    CHECK(plan.active == 1u);
    CHECK_FALSE(plan.source);
    CHECK(plan.discard == std::vector<std::size_t>{0});
}

TEST_CASE("takeover: a third version migrates from the set whose program looks up the other", "[sets]") {
    const auto plan = plan_takeover({set(2, 10, 2), set(3, 20, 1, 10)}, 4, size);
    CHECK_FALSE(plan.active);
    CHECK(plan.source == 1u);
    CHECK(plan.discard.empty());
}

TEST_CASE("attachments: all links are changed or none", "[attach]") {
    std::vector<std::string> done;
    const auto change = [&](unsigned ifindex) -> Status {
        if (ifindex == 7)
            return fail("interface 7 fails");
        done.push_back("change " + std::to_string(ifindex));
        return {};
    };
    const auto revert = [&](unsigned ifindex) -> Status {
        done.push_back("revert " + std::to_string(ifindex));
        return ifindex == 9 ? fail("interface 9 is lost") : Status{};
    };
    CHECK(all_or_none({3, 4}, change, revert));
    CHECK(done == std::vector<std::string>{"change 3", "change 4"});
    done.clear();
    const auto failed = all_or_none({9, 3, 7, 4}, change, revert);
    REQUIRE_FALSE(failed);
    CHECK(done == std::vector<std::string>{"change 9", "change 3", "revert 3", "revert 9"});
    CHECK(failed.error().message == "interface 7 fails; and interface 9 is lost");
}
