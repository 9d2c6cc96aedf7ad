// The man page and the completion list the commands and options of glbctl.
#include <catch2/catch.hpp>

#include <regex>
#include <set>
#include <sstream>

#include "cli/commands/commands.h"
#include "process.h"
#include "tests/harness/documented.h"

namespace {

using glb::test::Names;

/// Every command of the program, with its long options.
std::vector<std::pair<std::string, Names>> commands() {
    static glb::cli::Context context;
    static CLI::App app;
    if (app.get_subcommands({}).empty())
        glb::cli::add_commands(app, context);
    std::vector<std::pair<std::string, Names>> list;
    for (const auto *command : app.get_subcommands({})) {
        auto options = glb::test::long_options(*command);
        options.insert("--help");
        list.emplace_back(command->get_name(), options);
    }
    return list;
}

std::string text_of_file(const std::string &path) {
    auto text = glb::read_file(std::string(SOURCE_DIR "/") + path);
    REQUIRE(text);
    return *text;
}

/// What bash offers to complete the last word of `line`.
Names complete(const std::string &line) {
    const std::string script =
        "source '" SOURCE_DIR "/deploy/completion/glbctl.bash'; COMP_WORDS=(" + line +
        "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _glbctl; printf '%s\\n' \"${COMPREPLY[@]}\"";
    const auto outcome = glb::test::run({"/bin/bash", "-c", script}, {}, {"PATH=/usr/bin:/bin"});
    INFO(outcome.err);
    CHECK(outcome.status == 0);
    std::istringstream in(outcome.out);
    Names names;
    for (std::string word; in >> word;)
        names.insert(word);
    return names;
}

} // namespace

TEST_CASE("man page: has every command and option") {
    auto page = text_of_file("docs/man/glbctl.1");
    page = std::regex_replace(page, std::regex(R"(\\-)"), "-");
    CHECK(commands().size() == 19);
    for (const auto &[command, options] : commands()) {
        INFO(command);
        CHECK(std::regex_search(page, std::regex("\n\\.B[IR]? " + command + "( .*)?\n")));
        for (const auto &option : options)
            CHECK((option == "--help" || page.find(option) != std::string::npos));
    }
}

TEST_CASE("completion: offers every command and its options") {
    const auto offered = complete("glbctl ''");
    for (const auto &[command, options] : commands()) {
        INFO(command);
        CHECK(offered.count(command) == 1);
        CHECK(complete("glbctl -o json " + command + " --") == options);
    }
    CHECK(complete("glbctl st") == Names{"status"});
    CHECK(complete("glbctl -o ''") == Names{"table", "json"});
    CHECK(complete("glbctl flows --state c") == Names{"closing", "closed"});
}
