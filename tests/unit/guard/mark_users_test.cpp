// Other users of the packet mark's bits.
#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "controller/guard/mark_users.h"

using namespace glb;
using namespace glb::guard;

namespace {

constexpr std::uint32_t mask = 0x0fff0000;

std::string ruleset(const std::string &statement, const std::string &table = "host") {
    return fmt::format(
        R"({{"nftables":[{{"metainfo":{{}}}},{{"chain":{{"family":"ip","table":"host","name":"c"}}}},
        {{"rule":{{"family":"ip","table":"{}","chain":"c","handle":4,"expr":[{{"counter":null}},{}]}}}}]}})",
        table, statement);
}

std::string mark_set(const std::string &value) {
    return ruleset(R"({"mangle":{"key":{"meta":{"key":"mark"}},"value":)" + value + "}}");
}

constexpr auto mark = R"({"meta":{"key":"mark"}})";

std::size_t users(const std::string &value) {
    return nftables_mark_users(mark_set(value), mask).size();
}

} // namespace

TEST_CASE("mark users: a rule that changes bits of the mask is found, whatever it computes") {
    CHECK(users("0") == 1);
    CHECK(users("5") == 1); // clears all others
    CHECK(users(R"({"ct":{"key":"mark"}})") == 1);
    CHECK(users(fmt::format(R"({{"|":[{},65536]}})", mark)) == 1);
    CHECK(users(fmt::format(R"({{"^":[{},65536]}})", mark)) == 1);
    CHECK(users(fmt::format(R"({{"&":[{},65535]}})", mark)) == 1);
    CHECK(users(fmt::format(R"({{"|":[{{"&":[{},4294902271]}},65536]}})", mark)) == 1);
    CHECK(users(R"({"map":{"key":"x"}})") == 1);
}

TEST_CASE("mark users: a rule that preserves the bits of the mask is none") {
    CHECK(users(mark) == 0);
    CHECK(users(fmt::format(R"({{"|":[{},5]}})", mark)) == 0);
    CHECK(users(fmt::format(R"({{"&":[{},4294967040]}})", mark)) == 0);
    CHECK(users(fmt::format(R"({{"|":[{{"&":[{},4294902271]}},256]}})", mark)) == 0);
    CHECK(
        nftables_mark_users(ruleset(R"({"mangle":{"key":{"ct":{"key":"mark"}},"value":0}})"), mask).empty());
    CHECK(nftables_mark_users("", mask).empty());
}

TEST_CASE("mark users: the rule is named, and what iptables hides is reported once per table") {
    const auto found = nftables_mark_users(mark_set("0"), mask);
    REQUIRE(found.size() == 1);
    CHECK(found[0].severity == Severity::warning);
    CHECK(found[0].what == "foreign-mark");
    CHECK(found[0].where == "rule 4 in chain c of table ip host");
    CHECK(found[0].message.find("0x0fff0000") != std::string::npos);
    const auto opaque =
        nftables_mark_users(ruleset(R"({"xt":{"type":"target","name":"MARK"}},{"xt":null})"), mask);
    REQUIRE(opaque.size() == 1);
    CHECK(opaque[0].what == "opaque-rules");
    CHECK(opaque[0].where == "table ip host");
    for (const std::string name : {"CONNMARK", "TPROXY", "HMARK", "SET"})
        CHECK(nftables_mark_users(ruleset(R"({"xt":{"type":"target","name":")" + name + R"("}})"), mask)
                  .size() == 1);
    CHECK(nftables_mark_users(ruleset(R"({"xt":{"type":"match","name":"addrtype"}})"), mask).empty());
}

TEST_CASE("mark users: routing rules of others that match bits of the mask") {
    Rule foreign;
    foreign.protocol = 3;
    foreign.priority = 500;
    foreign.mark = 0x10000;
    foreign.mask = 0xffff0000;
    auto own = foreign, other_bits = foreign, no_mark = foreign;
    own.protocol = own_rule_protocol;
    own.priority = first_own_priority;
    other_bits.mask = 0xff;
    no_mark.mask = 0;
    const auto found = rule_mark_users({own, other_bits, no_mark, foreign}, mask);
    REQUIRE(found.size() == 1);
    CHECK(found[0].what == "foreign-mark");
    CHECK(found[0].where == foreign.to_string());
}

TEST_CASE("mark users: tc filters behind the guard's that change its bits, or may") {
    const Filter own{filter_priority, filter_handle, filter_name, 1, "bpf", {.bits = 0, .is_opaque = true}};
    const auto filter = [](std::uint32_t bits, bool is_opaque = false) {
        return Filter{7, 1, {}, 0, "matchall", {bits, is_opaque}};
    };
    CHECK(filter_mark_users("eth0", {}, mask).empty());
    CHECK(filter_mark_users("eth0", {filter(mask)}, mask).empty()); // the guard's would run after it
    CHECK(filter_mark_users("eth0", {filter(mask), own, filter(~mask)}, mask).empty());
    const auto found = filter_mark_users("eth0", {own, filter(0x10000, true), filter(0, true)}, mask);
    REQUIRE(found.size() == 2);
    CHECK(found[0].what == "foreign-mark");
    CHECK(found[0].where == "tc filter on eth0 (matchall, priority 7)");
    CHECK(found[0].message.find("0x0fff0000") != std::string::npos);
    CHECK(found[1].what == "opaque-filter");
    CHECK(found[1].where == found[0].where);
}
