// The man page and the README tell of the options that the program has, and of no others.
#include <catch2/catch.hpp>

#include "appliance/options.h"
#include "tests/harness/documented.h"

using namespace glb::test;

namespace {

Names options_of_program() {
    glb::appliance::Arguments arguments;
    CLI::App app;
    arguments.add_to(app);
    return long_options(app);
}

} // namespace

TEST_CASE("README names every option of glb-appliance, and no other") {
    CHECK(options_in(SOURCE_DIR "/appliance/README.md", "`") == options_of_program());
}

TEST_CASE("the man page of glb-appliance names every option, and no other") {
    CHECK(options_in(SOURCE_DIR "/docs/man/glb-appliance.1") == options_of_program());
}
