#include <catch2/catch.hpp>

#include "appliance/device_name.h"

using namespace glb::appliance;

TEST_CASE("device name: it has the last digits and at most 15 characters") {
    CHECK(device_name(0x2b8ee1d4db0c51c4u) == "gwi-1d4db0c51c4");
    CHECK(device_name(0x2b8ee1d4db0c51c4u).size() == 15);
}
