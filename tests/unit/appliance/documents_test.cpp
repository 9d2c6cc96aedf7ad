// Man page and README document exactly the program's options.
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

TEST_CASE("documents: the README has exactly the options of glb-appliance") {
    CHECK(options_in(SOURCE_DIR "/appliance/README.md", "`") == options_of_program());
}

TEST_CASE("documents: the man page has exactly the options of glb-appliance") {
    CHECK(options_in(SOURCE_DIR "/docs/man/glb-appliance.1") == options_of_program());
}
