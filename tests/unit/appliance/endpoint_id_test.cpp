#include <catch2/catch.hpp>

#include "appliance/endpoint_id.h"

using namespace glb::appliance;

TEST_CASE("endpoint id: parsing and formatting are inverse") {
    CHECK(parse_endpoint_id("vpce-02b8ee1d4db0c51c4") == 0x2b8ee1d4db0c51c4u);
    CHECK(parse_endpoint_id("vpce-02B8EE1D4DB0C51C4") == 0x2b8ee1d4db0c51c4u);
    CHECK(parse_endpoint_id("0x2B8ee1d4db0c51c4") == 0x2b8ee1d4db0c51c4u);
    CHECK(parse_endpoint_id("0x1") == 1u);
    CHECK(format_endpoint_id(0x2b8ee1d4db0c51c4u) == "vpce-02b8ee1d4db0c51c4");
    CHECK(format_endpoint_id(1) == "vpce-00000000000000001");
}

TEST_CASE("endpoint id: other text is rejected") {
    const auto *text =
        GENERATE("", "vpce-0", "vpce-02b8ee1d4db0c51c", "vpce-02b8ee1d4db0c51c44", "vpce-12b8ee1d4db0c51c4",
                 "vpce-02b8ee1d4db0c51cg", "2b8ee1d4db0c51c4", "0x", "0x12b8ee1d4db0c51c4", "0x1g", "0x-1");
    CHECK_FALSE(parse_endpoint_id(text));
}

TEST_CASE("endpoint id: the device name has the last digits and at most 15 characters") {
    CHECK(device_name(0x2b8ee1d4db0c51c4u) == "gwi-1d4db0c51c4");
    CHECK(device_name(0x2b8ee1d4db0c51c4u).size() == 15);
}
