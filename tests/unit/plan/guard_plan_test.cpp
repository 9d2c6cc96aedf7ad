#include <catch2/catch.hpp>

#include "controller/plan/guard_plan.h"

using namespace glb;
using namespace glb::guard;

namespace {

GuardPort port(const std::string &device, std::optional<std::uint16_t> endpoint, std::uint32_t table = 0) {
    GuardPort port;
    port.interface = device;
    port.devices = {device};
    port.endpoint = endpoint;
    port.endpoint_name = "web";
    port.route_table = table;
    return port;
}

bool has(const std::string &text, const std::string &part) {
    return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("marks: index + 1 in the mask's bits, wherever they are") {
    CHECK(guard_mark(0x0fff0000) == 0x0fff0000);
    CHECK(seen_mark(0x0fff0000) == 0x0ffe0000);
    CHECK(endpoint_mark(0x0fff0000, 0) == 0x00010000);
    CHECK(endpoint_mark(0x0fff0000, 255) == 0x01000000);
    CHECK(endpoint_mark(0x80000101, 2) == 0x00000101); // bits with gaps
    CHECK(endpoint_mark(0x80000101, 3) == 0x80000000);
    CHECK(endpoint_mark(0xffffffff, 0) == 1);
}

TEST_CASE("check_plan: a mask must have room beside 0 and the guard's two marks") {
    GuardPlan plan{0x3, {port("eth0", 0)}};
    CHECK(check_plan(plan)); // 1 is the endpoint's, 2 and 3 the guard's
    plan.ports.push_back(port("eth1", 1));
    CHECK_FALSE(check_plan(plan));
    plan.mark_mask = 0x7;
    CHECK(check_plan(plan));
    plan.mark_mask = 0;
    CHECK_FALSE(check_plan(plan));
    CHECK(check_plan({0, {port("eth0", std::nullopt)}}));
}

TEST_CASE("check_plan: one table an endpoint, and no name that ends a string") {
    CHECK_FALSE(check_plan({0xff, {port("eth0", 0, 7), port("eth1", 0, 8)}}));
    CHECK(check_plan({0xff, {port("eth0", 0, 7), port("eth1", 0, 7)}}));
    CHECK_FALSE(check_plan({0xff, {port("eth0\" accept", 0)}}));
    CHECK_FALSE(check_plan({0xff, {port("eth*", 0)}}));
}

TEST_CASE("ruleset_text: updates in place and never deletes the table or its counter") {
    const auto text =
        ruleset_text({0xff00, {port("eth0", 0), port("eth1", 1), port("tun", std::nullopt)}}, {5, 700});
    CHECK_FALSE(has(text, "delete"));
    CHECK_FALSE(has(text, "flush table"));
    CHECK(has(text, "add counter inet glb uninspected { packets 5 bytes 700 }\n"));
    CHECK(has(text,
              "prerouting meta mark and 0x0000ff00 == 0x0000ff00 meta mark set meta mark and 0xffff00ff or "
              "0x0000fe00\n"));
    CHECK(has(text, "prerouting meta mark and 0x0000ff00  { 0x00000100, 0x00000200 } notrack\n"));
    CHECK(has(text,
              "forward iifname \"eth0\" meta mark and 0x0000ff00 != { 0x00000100, 0x00000200 } counter name "
              "uninspected drop\n"));
    CHECK_FALSE(has(text, "\"tun\""));
}

TEST_CASE("ruleset_text: whenDetached pass has no rule by name") {
    GuardPlan plan{0xff, {port("eth0", 0)}};
    plan.ports[0].when_detached = WhenDetached::pass;
    CHECK_FALSE(has(ruleset_text(plan, {}), "iifname"));
    CHECK(has(ruleset_text(plan, {}), "notrack"));
    CHECK(routing_rules(plan).empty());
}

TEST_CASE("routing_rules: a blackhole by device, a table by endpoint and its end, in both families") {
    const auto rules = routing_rules({0xff, {port("eth0", 0, 77), port("eth1", 0, 77)}});
    REQUIRE(rules.size() == 8);
    int blackholes = 0, lookups = 0, ends = 0;
    std::uint32_t lookup_priority = 0, end_priority = 0;
    for (const auto &rule : rules) {
        CHECK(rule.is_own());
        CHECK(rule.mask == 0xff);
        if (rule.action == RuleAction::blackhole) {
            ++blackholes;
            CHECK(rule.mark == 0xff);
            CHECK_FALSE(rule.iif.empty());
            continue;
        }
        CHECK(rule.mark == 1);
        CHECK(rule.iif.empty());
        if (rule.action == RuleAction::lookup) {
            ++lookups;
            CHECK(rule.table == 77);
            lookup_priority = rule.priority;
        } else {
            ++ends;
            CHECK(rule.action == RuleAction::unreachable);
            end_priority = rule.priority;
        }
    }
    CHECK(blackholes == 4);
    CHECK(lookups == 2);
    CHECK(ends == 2);
    CHECK(end_priority == lookup_priority + 1);
    CHECK(routing_rules({0xff, {port("eth0", 0)}}).size() == 2); // by the node's own rules: no end
}

TEST_CASE("sysctls: of interfaces and devices, each once") {
    auto tagged = port("eth0", 0);
    tagged.devices = {"eth0.100"};
    const GuardPlan plan{0xff, {port("eth0", std::nullopt), tagged}};
    CHECK(devices(plan) == std::vector<std::string>{"eth0", "eth0.100"});
    const auto list = sysctls(plan);
    CHECK(list.size() == 8);
    CHECK(std::count(list.begin(), list.end(), Sysctl{"net/ipv4/conf/eth0.100/rp_filter", "2"}) == 1);
    CHECK(std::count(list.begin(), list.end(), Sysctl{"net/ipv6/fwmark_reflect", "1"}) == 1);
}
