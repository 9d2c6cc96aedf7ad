#include <catch2/catch.hpp>

#include "controller/health/status_matcher.h"

using glb::health::StatusMatcher;

TEST_CASE("status matcher: accepts its codes and ranges only", "[health]") {
    const auto matcher = StatusMatcher::parse("200-299, 404,301 - 302");
    REQUIRE(matcher);
    for (const int status : {200, 250, 299, 301, 302, 404})
        CHECK(matcher->matches(status));
    for (const int status : {0, 100, 199, 300, 303, 403, 405, 500})
        CHECK_FALSE(matcher->matches(status));
    CHECK(matcher->to_string() == "200-299,301-302,404");
}

TEST_CASE("status matcher: equality is independent of notation", "[health]") {
    CHECK(*StatusMatcher::parse("404,200-250,251-399,300") == *StatusMatcher::parse("200-399,404"));
    CHECK(*StatusMatcher::parse("200-399") == StatusMatcher{});
    CHECK_FALSE(*StatusMatcher::parse("200") == StatusMatcher{});
}

TEST_CASE("status matcher: invalid text is rejected, and its part named", "[health]") {
    for (const auto *text : {"", " ", "abc", "200,", ",200", "200-", "-200", "199", "600", "200-600", "20",
                             "2000", "399-200", "200--300", "200;300", "+200", "200 300", "99999"}) {
        INFO(text);
        CHECK_FALSE(StatusMatcher::parse(text));
    }
    CHECK(StatusMatcher::parse("200,70").error().message.find("\"70\"") != std::string::npos);
}
