#include <catch2/catch.hpp>

#include "controller/util/address.h"

using glb::IpAddress;
using glb::IpPrefix;

TEST_CASE("address: parsing and formatting", "[util]") {
    CHECK(IpAddress::parse("192.0.2.1")->to_string() == "192.0.2.1");
    CHECK(IpAddress::parse("2001:DB8::1")->to_string() == "2001:db8::1");
    CHECK_FALSE(IpAddress::parse("192.0.2"));
    CHECK_FALSE(IpAddress::parse("192.0.2.256"));
    CHECK_FALSE(IpAddress::parse(""));
    CHECK(IpAddress::v4(IpAddress::parse("192.0.2.1")->v4_network_order()) == *IpAddress::parse("192.0.2.1"));
}

TEST_CASE("prefix: host bits and invalid lengths are rejected", "[util]") {
    CHECK(IpPrefix::parse("192.0.2.0/24")->contains(*IpAddress::parse("192.0.2.77")));
    CHECK_FALSE(IpPrefix::parse("192.0.2.0/24")->contains(*IpAddress::parse("192.0.3.0")));
    CHECK_FALSE(IpPrefix::parse("192.0.2.0/24")->contains(*IpAddress::parse("2001:db8::")));
    CHECK(IpPrefix::parse("2001:db8::/32")->to_string() == "2001:db8::/32");
    CHECK(IpPrefix::parse("192.0.2.1")->length == 32);
    CHECK(IpPrefix::parse("0.0.0.0/0")->length == 0);
    for (const auto *invalid : {"192.0.2.1/24", "192.0.2.0/33", "192.0.2.0/", "192.0.2.0/x", "::1/129", "/8",
                                "192.0.2.0/024", "0.0.0.0/00"})
        CHECK_FALSE(IpPrefix::parse(invalid));
}
