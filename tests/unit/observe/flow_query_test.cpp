#include <catch2/catch.hpp>

#include "controller/observe/flow_query.h"
#include "lib/http/uri.h"

using namespace glb;

namespace {
IpAddress ip(const char *text) {
    return *IpAddress::parse(text);
}
} // namespace

TEST_CASE("address match: an address, a prefix, or an address and a port") {
    const auto text = [](const char *input) { return AddressMatch::parse(input)->to_string(); };
    CHECK(text("192.0.2.1") == "192.0.2.1/32");
    CHECK(text("192.0.2.0/24") == "192.0.2.0/24");
    CHECK(text("192.0.2.1:443") == "192.0.2.1:443");
    CHECK(text("2001:db8::1") == "2001:db8::1/128");
    CHECK(text("2001:db8::/32") == "2001:db8::/32");
    CHECK(text("[2001:db8::1]:443") == "[2001:db8::1]:443");
    CHECK(text("2001:db8::1:443") == "2001:db8::1:443/128"); // without brackets all of it is the address

    for (const auto *bad : {"", "host", "192.0.2.1/24", "192.0.2.0/33", "192.0.2.1:", "192.0.2.1:65536",
                            "192.0.2.1:-1", "192.0.2.0/24:80", "[192.0.2.1]:80", "[2001:db8::1]", "[]:80",
                            ":80", "[2001:db8::1]:x", "192.0.2.1 "}) {
        INFO(bad);
        const auto parsed = AddressMatch::parse(bad);
        REQUIRE_FALSE(parsed);
        CHECK(parsed.error().message.find("[ADDR6]:PORT") != std::string::npos);
    }
}

TEST_CASE("address match: prefix, family and port are compared") {
    const auto prefix = *AddressMatch::parse("192.0.2.0/24");
    CHECK(prefix.matches(ip("192.0.2.77"), 1));
    CHECK_FALSE(prefix.matches(ip("192.0.3.1"), 1));
    CHECK_FALSE(prefix.matches(ip("2001:db8::1"), 1));
    const auto port = *AddressMatch::parse("[2001:db8::1]:443");
    CHECK(port.matches(ip("2001:db8::1"), 443));
    CHECK_FALSE(port.matches(ip("2001:db8::1"), 444));
}

TEST_CASE("flow query: an empty query has only the default limit") {
    const auto filter = observe::parse_flow_query({});
    REQUIRE(filter);
    CHECK(filter->limit == 1000);
    CHECK_FALSE((filter->endpoint || filter->target || filter->target_group || filter->protocol ||
                 filter->state || filter->source || filter->destination));
}

TEST_CASE("flow query: all fields are parsed") {
    const auto filter = observe::parse_flow_query({{"endpoint", "branch"},
                                                   {"target", "firewalls/fw-1"},
                                                   {"protocol", "icmp6"},
                                                   {"state", "closing"},
                                                   {"source", "192.0.2.1:9"},
                                                   {"destination", "198.51.100.0/24"},
                                                   {"limit", "0"}});
    REQUIRE(filter);
    CHECK(filter->endpoint == "branch");
    CHECK(filter->target_group == "firewalls");
    CHECK(filter->target == "fw-1");
    CHECK(filter->protocol == 58);
    CHECK(filter->state == datapath::FlowState::closing);
    CHECK(filter->source->port == 9);
    CHECK(filter->destination->prefix.length == 24);
    CHECK(filter->limit == 0);
    CHECK(observe::parse_flow_query({{"protocol", "132"}})->protocol == 132);
    CHECK_FALSE(observe::parse_flow_query({{"target", "fw-1"}})->target_group);
}

TEST_CASE("flow query: all errors are reported, each with its field and the allowed values") {
    const auto filter = observe::parse_flow_query({{"protocol", "256"},
                                                   {"state", "open"},
                                                   {"source", "x"},
                                                   {"limit", "-1"},
                                                   {"target", "/"},
                                                   {"endpoint", ""},
                                                   {"what", "1"},
                                                   {"state", "closed"}});
    REQUIRE_FALSE(filter);
    std::vector<std::string> pointers;
    for (const auto &error : filter.error())
        pointers.push_back(error.pointer);
    CHECK(pointers == std::vector<std::string>{"/protocol", "/state", "/source", "/limit", "/target",
                                               "/target", "/endpoint", "/what", "/state"});
    CHECK(filter.error()[1].message.find("established") != std::string::npos);
    CHECK(filter.error().back().message == "given more than once");
}

TEST_CASE("flow query: names of protocols and states parse to the same values") {
    for (unsigned number = 0; number < 256; ++number) {
        const auto name = observe::ip_protocol_name(static_cast<std::uint8_t>(number));
        CHECK(observe::parse_flow_query({{"protocol", name}})->protocol == number);
    }
    CHECK(to_string(datapath::FlowState::unconfirmed) == "unconfirmed");
}

TEST_CASE("URI: request targets are parsed and composed") {
    const auto target = parse_request_target("/v1/targets/a%2Fb?x=1%262&empty&y==");
    REQUIRE(target);
    CHECK(target->segments == std::vector<std::string>{"v1", "targets", "a/b"});
    CHECK(target->query ==
          std::vector<std::pair<std::string, std::string>>{{"x", "1&2"}, {"empty", ""}, {"y", "="}});
    for (const auto *bad : {"", "v1", "/%", "/%4", "/%zz", "/a?%f=1", "/a?x=%"})
        CHECK_FALSE(parse_request_target(bad));
    const auto built = with_query("/a", {{"s", "[2001:db8::1]:443"}, {"n", "ä&="}});
    CHECK(built == "/a?s=%5B2001%3Adb8%3A%3A1%5D%3A443&n=%C3%A4%26%3D");
    CHECK(parse_request_target(built)->query[1].second == "ä&=");
}
