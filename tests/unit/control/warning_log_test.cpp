#include <catch2/catch.hpp>

#include "controller/control/warning_log.h"

using Lines = std::vector<std::string>;

TEST_CASE("warning log: a warning is logged when it begins, and again when it comes back") {
    glb::control::WarningLog log;
    CHECK(log.update({"a", "b", "a"}) == Lines{"a", "b"});
    CHECK(log.update({"b", "a"}).empty());
    CHECK(log.update({"b", "c"}) == Lines{"c"});
    CHECK(log.update({"a", "b"}) == Lines{"a"});
    CHECK(log.update({}).empty());
    CHECK(log.update({"b"}) == Lines{"b"});
}
