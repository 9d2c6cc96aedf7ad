// The man page and the README tell of the options that the program has, and of no others.
#include <regex>
#include <set>

#include <CLI/CLI.hpp>
#include <catch2/catch.hpp>

#include "appliance/options.h"
#include "controller/util/files.h"

namespace {

using Names = std::set<std::string>;

Names options_of_program() {
    glb::appliance::Arguments arguments;
    CLI::App app;
    arguments.add_to(app);
    Names names;
    for (const auto *option : app.get_options())
        for (const auto &name : option->get_lnames())
            names.insert("--" + name);
    names.erase("--help");
    return names;
}

/// Every option that stands behind `before` (a regex) in a file of the repository.
Names options_in(const std::string &path, const std::string &before) {
    auto text = glb::read_file(std::string(SOURCE_DIR "/") + path);
    REQUIRE(text);
    *text = std::regex_replace(*text, std::regex(R"(\\-)"), "-");
    const std::regex option(before + "(--[a-z-]+)");
    Names names;
    for (std::sregex_iterator found(text->begin(), text->end(), option), end; found != end; ++found)
        names.insert((*found)[1]);
    names.erase("--help");
    names.erase("--version");
    return names;
}

} // namespace

TEST_CASE("README names every option of glb-appliance, and no other") {
    CHECK(options_in("appliance/README.md", "`") == options_of_program());
}

TEST_CASE("the man page of glb-appliance names every option, and no other") {
    CHECK(options_in("docs/man/glb-appliance.1", "") == options_of_program());
}
