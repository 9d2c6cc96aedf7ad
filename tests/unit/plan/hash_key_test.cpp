#include <catch2/catch.hpp>

#include "controller/plan/hash_key.h"

using namespace glb;

TEST_CASE("hash key: depends only on the seed", "[plan]") {
    const std::vector<std::uint8_t> seed{1, 2, 3, 4, 5, 6, 7, 8};
    const auto key = plan::steering_key(seed);
    CHECK(key == plan::steering_key(seed));
    CHECK(key != plan::steering_key({1, 2, 3, 4, 5, 6, 7, 9}));
    // By sha256sum: of the seed and a byte 0, then of the seed and a byte 1.
    CHECK(key[0] == 0x5248358bu);
    CHECK(key[7] == 0x1304c025u);
    CHECK(key[8] == 0xaf9f09bfu);
}
