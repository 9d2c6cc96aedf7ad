#include <catch2/catch.hpp>

#include "controller/util/endpoint_id.h"
#include "controller/util/numbers.h"

using namespace glb;

TEST_CASE("number: all of the text counts, and the value must fit") {
    CHECK(parse_number<std::uint8_t>("255") == 255u);
    CHECK(parse_number<std::uint8_t>("007") == 7u);
    CHECK(parse_number<std::uint8_t>("fF", 16) == 255u);
    for (const auto *text : {"", "256", "-1", "+1", " 1", "1 ", "1x", "0x1"}) {
        INFO(text);
        CHECK_FALSE(parse_number<std::uint8_t>(text));
    }
}

TEST_CASE("hex bytes: parsing and formatting are inverse") {
    CHECK(parse_hex_bytes("00ff7A") == std::vector<std::uint8_t>{0x00, 0xff, 0x7a});
    CHECK(parse_hex_bytes("")->empty());
    CHECK(format_hex_bytes({0x00, 0xff, 0x7a}) == "00ff7a");
    for (const auto *text : {"0", "0g", "-1", "0x00", "00 "}) {
        INFO(text);
        CHECK_FALSE(parse_hex_bytes(text));
    }
}

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
