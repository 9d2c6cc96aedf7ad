// setup_log() in child processes whose standard error is a pipe.
#include <catch2/catch.hpp>

#include <array>
#include <csignal>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <thread>

#include <nlohmann/json.hpp>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "controller/util/fd.h"
#include "controller/util/log.h"

using namespace glb;

namespace {

/// What `run` writes to standard error in a child process.
template <typename Run>
std::string stderr_of(Run run) {
    std::array<int, 2> ends{};
    REQUIRE(::pipe(ends.data()) == 0);
    Fd reader(ends[0]), writer(ends[1]);
    const auto child = ::fork();
    if (child == 0) {
        const rlimit no_core{};
        ::setrlimit(RLIMIT_CORE, &no_core);
        for (const auto signal : {SIGABRT, SIGSEGV})
            std::signal(signal, SIG_DFL);
        ::dup2(writer.get(), STDERR_FILENO);
        reader.reset();
        writer.reset();
        run();
        std::exit(0);
    }
    writer.reset();
    std::string text;
    std::array<char, 4096> chunk{};
    for (ssize_t got = 0; (got = ::read(reader.get(), chunk.data(), chunk.size())) > 0;)
        text.append(chunk.data(), static_cast<std::size_t>(got));
    ::waitpid(child, nullptr, 0);
    return text;
}

std::string first_line(const std::string &text) {
    return text.substr(0, text.find('\n'));
}

} // namespace

TEST_CASE("log: lines are JSON with --log-format json, and written at exit", "[util]") {
    const auto text = stderr_of([] {
        if (!setup_log("info", "json"))
            std::exit(1);
        spdlog::info("a \"quoted\" name: {}", "x");
    });
    const auto line = nlohmann::json::parse(first_line(text), nullptr, false);
    REQUIRE(line.is_object());
    CHECK(line["level"] == "info");
    CHECK(line["message"] == "a \"quoted\" name: x");
    CHECK(line["time"].is_string());
}

TEST_CASE("log: levels below the configured one are not written", "[util]") {
    const auto text = stderr_of([] {
        if (!setup_log("warning", "text"))
            std::exit(1);
        spdlog::info("hidden");
        spdlog::warn("shown");
    });
    CHECK_THAT(first_line(text), Catch::EndsWith(" warning shown"));
}

TEST_CASE("log: an uncaught exception is logged after the lines before it", "[util]") {
    const auto text = stderr_of([] {
        if (!setup_log("info", "text"))
            std::exit(1);
        spdlog::info("last line");
        std::thread([] { throw std::runtime_error("uncaught"); }).join();
    });
    CHECK_THAT(first_line(text), Catch::EndsWith(" info last line"));
    CHECK_THAT(text, Catch::Contains(" critical uncaught exception: uncaught\n"));
}

TEST_CASE("log: the last line follows the log", "[util]") {
    const auto text = stderr_of([] {
        if (!setup_log("info", "text"))
            std::exit(1);
        spdlog::info("logged");
        print_last_line("program: failed");
        spdlog::info("dropped");
    });
    CHECK_THAT(text, Catch::EndsWith(" info logged\nprogram: failed\n"));
}

TEST_CASE("log: unknown levels and formats are errors", "[util]") {
    CHECK_FALSE(setup_log("loud", "text"));
    CHECK_FALSE(setup_log("info", "xml"));
}
