// The command line of glbd.
#include <catch2/catch.hpp>

#include "controller/daemon_options.h"
#include "tests/harness/documented.h"

using namespace glb::test;

namespace {

std::optional<int> read(std::vector<std::string> arguments, glb::DaemonOptions &options) {
    arguments.insert(arguments.begin(), "glbd");
    std::vector<char *> argv;
    for (auto &argument : arguments)
        argv.push_back(argument.data());
    return glb::read_options(static_cast<int>(argv.size()), argv.data(), options);
}

} // namespace

TEST_CASE("options: the man page has exactly the options of glbd") {
    glb::DaemonOptions options;
    CLI::App app;
    glb::add_options(app, options);
    CHECK(options_in(SOURCE_DIR "/docs/man/glbd.8") == long_options(app));
}

TEST_CASE("options: paths are read, errors exit with status 2") {
    glb::DaemonOptions options;
    CHECK(read({"--state-dir", "/a", "--run-dir", "/b", "--bpffs", "/c", "--metrics", "none"}, options) ==
          std::nullopt);
    CHECK(options.state_dir == "/a");
    CHECK(options.run_dir == "/b");
    CHECK(options.bpffs == "/c");
    CHECK(options.metrics == "none");
    CHECK(read({"--no-such"}, options) == 2);
    CHECK(read({"--log-format", "xml"}, options) == 2);
    CHECK(read({"stray"}, options) == 2);
    for (const auto *invalid :
         {"", "9468", "localhost:9468", "127.0.0.1", "127.0.0.1:", "127.0.0.1:99999", "::1:9468"})
        CHECK(read({"--metrics", invalid}, options) == 2);
    CHECK(read({"--metrics", "[::1]:9468"}, options) == std::nullopt);
}
