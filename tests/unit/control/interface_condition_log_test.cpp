#include <catch2/catch.hpp>

#include "controller/control/interface_condition_log.h"

using Lines = std::vector<std::string>;

TEST_CASE("interface conditions: disappearance, return and replacement are logged once") {
    glb::control::InterfaceConditionLog log;
    CHECK(log.update("cli0", 7).empty());
    CHECK(log.update("cli0", 7).empty());
    const Lines lost{"interface cli0 disappeared"};
    CHECK(log.update("cli0", 0) == lost);
    CHECK(log.update("cli0", 0).empty());
    CHECK(log.update("cli0", 9) == Lines{"interface cli0 reappeared"});
    CHECK(log.update("cli0", 11) == Lines{lost[0], "interface cli0 reappeared"});
    CHECK(log.update("srv0", 0) == Lines{"interface srv0 does not exist yet"});
    log.retain_only({"srv0"});
    CHECK(log.update("cli0", 12).empty());
}
