// AsyncLog against descriptors that block, fail or are closed.
#include <catch2/catch.hpp>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>

#include <fcntl.h>
#include <spdlog/pattern_formatter.h>
#include <sys/socket.h>
#include <unistd.h>

#include "controller/util/async_log.h"
#include "controller/util/fd.h"
#include "controller/util/files.h"

using namespace glb;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

namespace {

constexpr int many = 100'000;

std::unique_ptr<spdlog::formatter> plain() {
    return std::make_unique<spdlog::pattern_formatter>("%v");
}

/// The time that `call` takes.
template <typename F>
std::chrono::milliseconds duration_of(F call) {
    const auto begin = Clock::now();
    call();
    return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begin);
}

struct Pair {
    Fd reader, writer;
};

Pair make_pipe() {
    std::array<int, 2> ends{};
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
    return {Fd(ends[0]), Fd(ends[1])};
}

Pair make_socket_pair() {
    std::array<int, 2> ends{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
    return {Fd(ends[0]), Fd(ends[1])};
}

/// Reads until the other end is closed or `until` is found.
std::string read_until(int fd, const std::string &until = "") {
    std::string text;
    std::array<char, 65536> chunk{};
    while (until.empty() || text.find(until) == std::string::npos) {
        const auto got = ::read(fd, chunk.data(), chunk.size());
        if (got <= 0)
            break;
        text.append(chunk.data(), static_cast<std::size_t>(got));
    }
    return text;
}

void log_many(AsyncLog &log) {
    for (int i = 0; i < many; ++i)
        log.logger()->info("line {} of many, none of which is written", i);
}

/// The other end is not read.
void check_blocked(Pair pair) {
    {
        AsyncLog log(pair.writer.get(), plain());
        CHECK(duration_of([&] { log_many(log); }) < 10s);
        CHECK(log.dropped() > 0);
        bool stopped = false;
        CHECK(duration_of([&] { stopped = log.stop(100ms); }) < 5s);
        CHECK(stopped);
    }
    // The flags of the shared description are untouched.
    CHECK((::fcntl(pair.writer.get(), F_GETFL) & O_NONBLOCK) == 0);
}

} // namespace

TEST_CASE("async log: a full pipe blocks no caller and no exit, drops are counted", "[util]") {
    check_blocked(make_pipe());
}

TEST_CASE("async log: a full socket blocks no caller and no exit, drops are counted", "[util]") {
    check_blocked(make_socket_pair());
}

TEST_CASE("async log: queued lines are written in order before stop() returns", "[util]") {
    auto pipe = make_pipe();
    AsyncLog log(pipe.writer.get(), plain());
    for (int i = 0; i < 100; ++i)
        log.logger()->info("{}", i);
    REQUIRE(log.stop(5s));
    CHECK(log.dropped() == 0);
    std::string expected;
    for (int i = 0; i < 100; ++i)
        expected += std::to_string(i) + "\n";
    CHECK(read_until(pipe.reader.get(), "\n99\n") == expected);
    log.logger()->info("after stop");
    CHECK(log.stop(5s));
    CHECK(log.dropped() == 1);
}

TEST_CASE("async log: once a blocked pipe is read again, the number of dropped lines is logged", "[util]") {
    auto pipe = make_pipe();
    AsyncLog log(pipe.writer.get(), plain(), 16);
    log_many(log);
    REQUIRE(log.dropped() > 0);
    std::string text;
    std::thread reader([&] { text = read_until(pipe.reader.get(), "last\n"); });
    while (true) { // the queue must drain first, or "last" would be dropped
        std::this_thread::sleep_for(1ms);
        const auto before = log.dropped();
        log.logger()->info("last");
        if (log.dropped() == before)
            break;
    }
    reader.join();
    CHECK_THAT(text, Catch::Contains(" lines dropped: output blocked or failed\n"));
}

TEST_CASE("async log: a closed descriptor, a closed reader and a full disk drop every line", "[util]") {
    const auto check = [](int fd) {
        AsyncLog log(fd, plain());
        CHECK(duration_of([&] { log_many(log); }) < 10s);
        CHECK(duration_of([&] { CHECK(log.stop(10s)); }) < 10s);
        CHECK(log.dropped() == many);
    };
    SECTION("closed descriptor") {
        Fd closed(::open("/dev/null", O_WRONLY | O_CLOEXEC));
        const int number = closed.get();
        closed.reset();
        check(number);
    }
    SECTION("closed reader") {
        const auto previous = std::signal(SIGPIPE, SIG_IGN);
        auto pipe = make_pipe();
        pipe.reader.reset();
        check(pipe.writer.get());
        std::signal(SIGPIPE, previous);
    }
    SECTION("full disk") {
        const Fd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
        REQUIRE(full);
        check(full.get());
    }
}

TEST_CASE("async log: a regular file retains what others append through the same file description",
          "[util]") {
    std::string path = (std::filesystem::temp_directory_path() / "glb-log-XXXXXX").string();
    const Fd file(::mkstemp(path.data()));
    REQUIRE(file);
    REQUIRE(::write(file.get(), "before\n", 7) == 7);
    AsyncLog log(file.get(), plain());
    log.logger()->info("line");
    REQUIRE(log.stop(5s));
    REQUIRE(::write(file.get(), "after\n", 6) == 6);
    CHECK(read_file(path) == "before\nline\nafter\n");
    ::unlink(path.c_str());
}
