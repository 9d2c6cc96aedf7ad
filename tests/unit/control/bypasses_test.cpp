#include <catch2/catch.hpp>

#include "abi/config.h"
#include "controller/control/bypasses.h"

using namespace glb;
using namespace glb::health;
using namespace std::chrono_literals;

TEST_CASE("bypasses: a bypass without a deadline lasts until it is switched off", "[node]") {
    control::Bypasses bypasses;
    CHECK(bypasses.word("web") == 0);
    CHECK(bypasses.to_json().is_null());
    bypasses.set("web", {});
    CHECK(bypasses.word("web") == GLB_ENDPOINT_BYPASS);
    CHECK_FALSE(bypasses.seconds_left("web", MonotonicTime{5s}));
    CHECK(bypasses.expire(MonotonicTime{1'000'000s}).empty());
    CHECK(bypasses.off("web"));
    CHECK_FALSE(bypasses.off("web"));
    CHECK(bypasses.word("web") == 0);
}

TEST_CASE("bypasses: the deadline in the data path is rounded up to its ticks", "[node]") {
    control::Bypasses bypasses;
    bypasses.set("web", MonotonicTime{1000s});
    const auto word = bypasses.word("web");
    CHECK((word & GLB_ENDPOINT_BYPASS_UNTIL) != 0);
    CHECK((word & GLB_ENDPOINT_BYPASS) == 0);
    const auto until = std::uint64_t{static_cast<std::uint32_t>(word)} << GLB_TICK_SHIFT;
    CHECK(until >= 1'000'000'000'000u);
    CHECK(until < 1'000'000'000'000u + (2u << GLB_TICK_SHIFT));
    CHECK(bypasses.seconds_left("web", MonotonicTime{400s + 1ms}) == 600u);
    CHECK(bypasses.expire(MonotonicTime{999s}).empty());
    CHECK(bypasses.expire(MonotonicTime{1000s}) == std::vector<std::string>{"web"});
    CHECK_FALSE(bypasses.ends().contains("web"));
}

TEST_CASE("bypasses: survive a daemon restart, but neither a reboot nor removal of the endpoint", "[node]") {
    control::Bypasses before;
    before.set("a", {});
    before.set("b", MonotonicTime{1000s});
    auto persisted = before.to_json();
    control::Bypasses after;
    after.set(persisted);
    CHECK(after.word("a") == before.word("a"));
    CHECK(after.word("b") == before.word("b"));
    persisted["b"]["until"]["boot"] = "another";
    after.set(persisted);
    CHECK(after.expire(MonotonicTime{1s}) == std::vector<std::string>{"b"});
    CHECK(after.ends().contains("a"));
    after.retain_only({"c"});
    CHECK_FALSE(after.ends().contains("a"));
    after.set({{"a", 5}, {"b", {{"until", "soon"}}}});
    CHECK_FALSE(after.ends().contains("a"));
    CHECK(after.expire(MonotonicTime{1s}) == std::vector<std::string>{"b"});
}
