#include <fstream>

#include <catch2/catch.hpp>
#include <unistd.h>

#include "controller/guard/diagnostics.h"
#include "controller/guard/saved_state.h"

using namespace glb;
using namespace glb::guard;

TEST_CASE("diagnostics: NAT, forward chains and flowtables of foreign tables") {
    const std::string ruleset = R"({"nftables":[{"metainfo":{"version":"1.0.6"}},
        {"table":{"family":"inet","name":"glb"}},
        {"chain":{"family":"inet","table":"glb","name":"forward","type":"filter","hook":"forward"}},
        {"chain":{"family":"ip","table":"nat","name":"post","type":"nat","hook":"postrouting"}},
        {"chain":{"family":"ip","table":"fw","name":"fwd","type":"filter","hook":"forward"}},
        {"chain":{"family":"ip","table":"fw","name":"in","type":"filter","hook":"input"}},
        {"flowtable":{"family":"inet","name":"fast","table":"fw","hook":"ingress"}}]})";
    const auto found = table_conditions(ruleset);
    REQUIRE(found.size() == 3);
    CHECK(found[0].what == "foreign-nat");
    CHECK(found[0].where == "chain post of table ip nat");
    CHECK(found[1].what == "foreign-chain");
    CHECK(found[1].where == "chain fwd of table ip fw");
    CHECK(found[2].what == "foreign-flowtable");
    CHECK(found[2].where == "flowtable fast of table inet fw");
    CHECK(table_conditions("").empty());
}

TEST_CASE("diagnostics: foreign iif rules and VRFs, not the guard's rules") {
    Rule own, foreign, vrf;
    own.priority = first_own_priority;
    own.iif = foreign.iif = "eth0";
    foreign.protocol = 0;
    vrf.protocol = 2;
    vrf.l3mdev = true;
    CHECK(rule_conditions({own, foreign, vrf}).size() == 2);
    CHECK(rule_conditions({own}).empty());
}

TEST_CASE("saved state: reads back what was saved; a damaged file is empty and reported") {
    const auto file =
        std::filesystem::temp_directory_path() / ("glb-saved-state-" + std::to_string(::getpid()));
    std::string damaged = "?";
    CHECK(SavedState::load(file, damaged) == SavedState{});
    CHECK(damaged.empty());
    const SavedState state{0xff, {{"net/ipv4/conf/eth0/rp_filter", "1"}}, {"eth0"}};
    REQUIRE(state.save(file));
    CHECK(SavedState::load(file, damaged) == state);
    CHECK(damaged.empty());
    for (const std::string content : {"", "{", "[]", R"({"markMask":-1,"sysctls":{},"clsact":[]})"}) {
        std::ofstream(file) << content;
        CHECK(SavedState::load(file, damaged) == SavedState{});
        CHECK_FALSE(damaged.empty());
    }
    std::filesystem::remove(file);
}
