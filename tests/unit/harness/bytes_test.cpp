#include "tests/harness/catch_bytes.h"

using namespace glb::test;

TEST_CASE("bytes: hex is parsed and formatted, invalid hex is rejected") {
    CHECK_THAT(from_hex("de ad\nBEEF"), equals({0xde, 0xad, 0xbe, 0xef}));
    CHECK(to_hex(from_hex("00ff10")) == "00ff10");
    CHECK_THROWS_AS(from_hex("abc"), std::invalid_argument);
    CHECK_THROWS_AS(from_hex("a b"), std::invalid_argument);
    CHECK_THROWS_AS(from_hex("zz"), std::invalid_argument);
}

TEST_CASE("bytes: a difference has the first offset and both contents") {
    CHECK(difference(from_hex("0102"), from_hex("0102")).empty());
    const auto text = difference(from_hex("0102ff"), from_hex("010203"));
    CHECK(text.find("offset 2 (0x0002): ff, expected 03") != std::string::npos);
    CHECK(text.find("01 02 ff") != std::string::npos);
    CHECK(text.find("01 02 03") != std::string::npos);
    CHECK(difference(from_hex("01"), from_hex("0102")).find("offset 1 (0x0001): the end, expected 02") !=
          std::string::npos);
}

TEST_CASE("bytes: a dump has sixteen bytes per line") {
    CHECK(hexdump(Bytes(17, 0xab)) ==
          "17 bytes\n0000  ab ab ab ab ab ab ab ab ab ab ab ab ab ab ab ab\n0010  ab");
}

TEST_CASE("bytes: truncated and padded") {
    CHECK_THAT(truncated(from_hex("010203"), 2), equals(from_hex("0102")));
    CHECK_THAT(truncated(from_hex("01"), 2), equals(from_hex("01")));
    CHECK_THAT(padded_to(from_hex("01"), 3), equals(from_hex("010000")));
    CHECK_THAT(padded_to(from_hex("0102"), 1), equals(from_hex("0102")));
}

TEST_CASE("bytes: checksums against published values") {
    // RFC 1071, 3: the sum of these is ddf2.
    CHECK(internet_checksum(from_hex("0001f203f4f5f6f7")) == 0x220d);
    CHECK(internet_checksum(from_hex("0001f203f4f5f6f7220d")) == 0);
    CHECK(internet_checksum(from_hex("01")) == 0xfeff);
    // The check value of CRC-32C is e3069283; SCTP sends its least significant byte first.
    CHECK(crc32c(from_string("123456789")) == 0x839206e3);
}
