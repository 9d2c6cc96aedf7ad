#include <catch2/catch.hpp>

#include "appliance/endpoint_id.h"

using namespace glb::appliance;

TEST_CASE("an endpoint id and its text are each other's inverse") {
    CHECK(parse_endpoint("vpce-02b8ee1d4db0c51c4") == 0x2b8ee1d4db0c51c4u);
    CHECK(parse_endpoint("vpce-02B8EE1D4DB0C51C4") == 0x2b8ee1d4db0c51c4u);
    CHECK(endpoint_text(0x2b8ee1d4db0c51c4u) == "vpce-02b8ee1d4db0c51c4");
    CHECK(endpoint_text(1) == "vpce-00000000000000001");
}

TEST_CASE("any other text is no endpoint id") {
    const auto *text = GENERATE("", "vpce-0", "vpce-02b8ee1d4db0c51c", "vpce-02b8ee1d4db0c51c44",
                                "vpce-12b8ee1d4db0c51c4", "vpce-02b8ee1d4db0c51cg", "2b8ee1d4db0c51c4");
    CHECK_FALSE(parse_endpoint(text));
}

TEST_CASE("a device is named by the last digits, within the kernel's 15 characters") {
    CHECK(device_name(0x2b8ee1d4db0c51c4u) == "gwi-1d4db0c51c4");
    CHECK(device_name(0x2b8ee1d4db0c51c4u).size() == 15);
}
