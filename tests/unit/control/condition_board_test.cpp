#include <catch2/catch.hpp>

#include <chrono>

#include "controller/control/condition_board.h"

using namespace glb;
using namespace glb::control;
using namespace std::chrono_literals;

namespace {

constexpr MonotonicTime start{};

Condition warning(const std::string &what, const std::string &where = "", const std::string &message = "m") {
    return {Severity::warning, what, where, message, ""};
}

} // namespace

TEST_CASE("conditions: one begins once, ends once, and begins again when it comes back") {
    ConditionBoard board;
    const auto a = warning("a"), b = warning("b");
    CHECK(board.update("guard", {a, b, a}, start).begun == std::vector{a, b});
    const auto same = board.update("guard", {b, a}, start + 1s);
    CHECK(same.begun.empty());
    CHECK(same.ended.empty());
    CHECK(board.update("guard", {b}, start + 2s).ended == std::vector{a});
    CHECK(board.update("guard", {a, b}, start + 3s).begun == std::vector{a});
    const auto held = board.held();
    REQUIRE(held.size() == 2);
    CHECK(held[0].since == start + 3s);
    CHECK(held[1].since == start);
}

TEST_CASE("conditions: another message of a condition is shown, and does not begin it anew") {
    ConditionBoard board;
    (void)board.update("host", {warning("mtu", "eth0", "1400")}, start);
    CHECK(board.update("host", {warning("mtu", "eth0", "1300")}, start + 5s).begun.empty());
    REQUIRE(board.held().size() == 1);
    CHECK(board.held()[0].condition.message == "1300");
    CHECK(board.held()[0].since == start);
    CHECK(board.update("host", {warning("mtu", "eth1", "1300")}, start + 6s).begun.size() == 1);
}

TEST_CASE("conditions: sources do not end each other's; errors come first") {
    ConditionBoard board;
    (void)board.update("guard", {warning("a")}, start);
    const Condition error{Severity::error, "b", "", "m", ""};
    (void)board.update("host", {warning("c"), error}, start);
    const auto held = board.held();
    REQUIRE(held.size() == 3);
    CHECK(held[0].condition == error);
    CHECK(held[1].condition == warning("a"));
    CHECK(board.of("guard") == std::vector{warning("a")});
    CHECK(board.of("nobody").empty());
    CHECK(board.update("guard", {}, start).ended == std::vector{warning("a")});
    CHECK(board.held().size() == 2);
}
