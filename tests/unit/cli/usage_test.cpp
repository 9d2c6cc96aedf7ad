// The command line of glbctl: usage errors, help, and planned commands.
#include <catch2/catch.hpp>

#include "tests/unit/cli/fixture.h"

using namespace glb::test;

TEST_CASE("usage: planned commands report \"not yet supported\" with any arguments") {
    const Fixture glbctl(false);
    for (const auto &words : std::vector<std::vector<std::string>>{
             {"init", "--explain"},
             {"doctor"},
             {"top"},
             {"trace", "--protocol", "tcp"},
             {"capture", "-w", "x.pcapng"},
             {"explain", "--endpoint", "branch", "--protocol", "tcp", "--source", "192.0.2.1:1"}}) {
        const auto outcome = glbctl(words);
        CHECK(outcome.status == 1);
        CHECK(outcome.out.empty());
        CHECK(outcome.err == "glbctl: " + words[0] + " is not yet supported\n");
    }
    CHECK(
        nlohmann::json::parse(glbctl({"-o", "json", "doctor"}).out) ==
        nlohmann::json::parse(R"({"errors": [{"pointer": "", "message": "doctor is not yet supported"}]})"));
    const auto here = glbctl({"check", "--here", glbctl.file(valid_manifest)});
    CHECK(here.status == 1);
    CHECK(here.err == "glbctl: check --here is not yet supported\n");
    CHECK_FALSE(has(glbctl({"--help"}).out, "capture"));
    CHECK_FALSE(has(glbctl({"unknown"}).err, "capture"));
}

TEST_CASE("usage: errors exit with 2 and are printed on stderr") {
    const Fixture glbctl(false);
    const std::vector<std::vector<std::string>> wrong{{},
                                                      {"stats"},
                                                      {"status", "more"},
                                                      {"status", "--frob"},
                                                      {"-o", "yaml", "status"},
                                                      {"-o", "0", "status"},
                                                      {"check"},
                                                      {"apply"},
                                                      {"apply", "--dry-run"},
                                                      {"flows", "--limit"},
                                                      {"flows", "--limit", "many"},
                                                      {"status", "guard"},
                                                      {"apply", "--confirm", "0", "m.json"},
                                                      {"rollback", "0"},
                                                      {"drain"},
                                                      {"drain", "fw-1"},
                                                      {"drain", "firewalls/"},
                                                      {"drain", "--wait=soon", "firewalls/fw-1"},
                                                      {"bypass"},
                                                      {"bypass", "branch", "--for", "10y"},
                                                      {"bypass", "branch", "--for", "31d"},
                                                      {"bypass", "branch", "--for", "10m", "--off"}};
    for (const auto &arguments : wrong) {
        const auto outcome = glbctl(arguments);
        INFO((arguments.empty() ? "" : arguments.back()));
        CHECK(outcome.status == 2);
        CHECK(outcome.out.empty());
        CHECK_FALSE(outcome.err.empty());
    }
}

TEST_CASE("usage: an error is one line that lists the alternatives") {
    const Fixture glbctl(false);
    const auto error_of = [&](const std::vector<std::string> &arguments) { return glbctl(arguments).err; };
    CHECK(error_of({"statsu"}) == "glbctl: unknown command \"statsu\"; did you mean \"status\"?\n");
    CHECK(has(error_of({"frobnicate"}), "glbctl: unknown command \"frobnicate\"; valid: check, apply, "));
    CHECK(has(error_of({}), "glbctl: no command given; commands: check, apply, "));
    CHECK(has(error_of({"--sockt", "x"}), "glbctl: unknown command "));
    CHECK(error_of({"apply"}) == "glbctl: FILE is required; see glbctl apply --help\n");
    CHECK(has(error_of({"flows", "--stat", "x"}), "; see glbctl flows --help\n"));
    CHECK(error_of({"-o", "xml", "status"}) ==
          "glbctl: --output: xml not in {table,json}; see glbctl --help\n");
    CHECK(has(glbctl({"--help"}).out, "-o,--output table|json "));
}

TEST_CASE("usage: help lists the commands with examples, and no planned ones") {
    const Fixture glbctl(false);
    const auto help = glbctl({"--help"});
    CHECK(help.status == 0);
    for (const auto *command :
         {"check", "apply", "diff", "export", "confirm", "history", "rollback", "status", "endpoints",
          "targets", "flows", "drops", "counters", "drain", "undrain", "bypass", "guard", "gc", "down"}) {
        CHECK(has(help.out, "\n  " + std::string(command) + " "));
        const auto own = glbctl({command, "--help"});
        CHECK(own.status == 0);
        CHECK(has(own.out, "Examples:\n  "));
    }
    for (const auto *later : {"explain", "trace", "capture", "top", "doctor", "init"})
        CHECK_FALSE(has(help.out, "\n  " + std::string(later) + " "));
    CHECK(has(glbctl({"--version"}).out, "glbctl 0."));
}
