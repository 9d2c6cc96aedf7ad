#include <catch2/catch.hpp>

#include "controller/util/utf8.h"

using glb::to_valid_utf8;

TEST_CASE("utf8: valid text is unchanged, other bytes become replacement characters") {
    CHECK(to_valid_utf8("") == "");
    CHECK(to_valid_utf8("edge-1") == "edge-1");
    CHECK(to_valid_utf8("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \"\\\n") ==
          "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \"\\\n");
    CHECK(to_valid_utf8("a\xff"
                        "b") == "a\xef\xbf\xbd"
                                "b");
    CHECK(to_valid_utf8("\xc3") == "\xef\xbf\xbd");
}
