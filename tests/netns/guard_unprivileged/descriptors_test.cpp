// Few or no free descriptors: libnftables ends the process where it cannot open a socket.
#include <optional>
#include <vector>

#include <catch2/catch.hpp>

#include "controller/guard/nftables.h"
#include "tests/harness/free_descriptors.h"
#include "tests/harness/must.h"
#include "tests/harness/skip.h"
#include "tests/netns/guard_unprivileged/guarded_node.h"

using namespace glb;
using namespace glb::test;

namespace {

template <typename T>
Status status_of(const Result<T> &result) {
    return result ? Status() : Status(tl::unexpected(result.error()));
}

/// Each operation of nftables.
std::vector<Status> use_nftables(guard::Nftables &nftables) {
    return {status_of(guard::Nftables::open()), nftables.run("add table inet glb"),
            status_of(nftables.list("table inet other")), status_of(nftables.list_json("ruleset"))};
}

} // namespace

TEST_CASE("guard without descriptors: nftables is refused, and the process goes on") {
    need_root();
    const GuardedNode node;
    node.run("nft 'add table inet other; add chain inet other c; add rule inet other c iif eth0 counter'");
    auto nftables = node.ns.call([] { return must(guard::Nftables::open()); });
    for (std::size_t count = 0; count <= 8; ++count) {
        CAPTURE(count);
        std::vector<Status> results;
        {
            const FreeDescriptors free(count);
            results = node.ns.call([&] { return use_nftables(nftables); });
        }
        for (const auto &result : results) {
            CHECK((count > 0 || !result));
            CHECK((count < 8 || result));
            CHECK((result || result.error().code == EMFILE));
        }
    }
    const auto rules = node.ns.call([&] { return must(nftables.list("table inet other")); });
    CHECK(contains(rules, "iif \"eth0\""));
}

TEST_CASE("guard without descriptors: a check changes no map, and the next one repairs what was removed "
          "meanwhile") {
    need_root();
    GuardedNode node;
    NodeGuard guard(node);
    REQUIRE(guard.install(node.plan()));
    const auto table = node.table();
    const auto punt_devices = node.filter("eth0")->maps->punt_devices;
    node.run("nft delete table inet glb");
    std::optional<guard::GuardReport> report;
    {
        const FreeDescriptors none(0);
        report = guard.check();
    }
    CHECK(report->repaired.empty());
    REQUIRE_FALSE(report->conditions.empty());
    INFO(report->conditions[0].message);
    CHECK(report->conditions[0].severity == Severity::error);
    CHECK(contains(report->conditions[0].message, "Too many open files"));
    CHECK(node.filter("eth0")->maps->ports == Lines{"eth0", "eth1"});
    CHECK(node.filter("eth0")->maps->punt_devices == punt_devices);
    CHECK(guard.repaired() == Lines{"nftables table inet glb"});
    CHECK(node.table() == table);
}
