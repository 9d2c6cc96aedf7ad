// Memory of listings of a full table: it does not depend on the number of flows.
#include <catch2/catch.hpp>

#include <algorithm>
#include <list>

#include <malloc.h>

#include "controller/observe/flow_list.h"
#include "tests/unit/observe/fake_table.h"

using namespace glb;
using namespace glb::test;

namespace {

constexpr std::size_t listings = 4; // as many as the API streams concurrently
constexpr std::size_t most_bytes = std::size_t{50} << 20;

std::size_t allocated() {
    const auto now = ::mallinfo2();
    return now.uordblks + now.hblkhd;
}

} // namespace

TEST_CASE("flow list: four concurrent listings of a full table allocate less than 50 MiB", "[flows]") {
    FakeTable fake(GLB_LISTED_FLOWS);
    for (std::uint32_t slot = 0; slot < GLB_LISTED_FLOWS; ++slot)
        fake.put(slot);
    observe::FlowQuery all;
    all.limit = 0;

    const auto before = allocated();
    std::size_t peak = before, longest = 0, bytes = 0;
    std::string end;
    std::list<observe::FlowListing> active;
    for (std::size_t i = 0; i < listings; ++i)
        active.emplace_back(fake.table, all, observe::FlowNames{}, datapath::TargetTimeouts{}, start);
    while (!active.empty())
        for (auto listing = active.begin(); listing != active.end();) {
            std::string chunk;
            const bool more = listing->next(chunk);
            peak = std::max(peak, allocated());
            longest = std::max(longest, chunk.size());
            bytes += chunk.size();
            if (!more)
                end = chunk.substr(chunk.rfind(']'));
            listing = more ? std::next(listing) : active.erase(listing);
        }
    CHECK(end == fmt::format(R"(],"total":{},"truncated":false}})", GLB_LISTED_FLOWS));
    CHECK(bytes > listings * 100 * std::size_t{GLB_LISTED_FLOWS});
    CHECK(longest < chunk_bytes + 1024);
    CHECK(peak - before < most_bytes);
    WARN(listings << " listings of " << GLB_LISTED_FLOWS << " flows: " << (bytes >> 20) << " MiB of JSON, "
                  << (peak - before) / 1024 << " KiB allocated at most");
}
