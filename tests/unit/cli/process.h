// Runs a program to its end, and captures its output and exit status.
#pragma once

#include <string>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "controller/util/fd.h"

namespace glb::test {

struct Pipe {
    Fd read, write;
    Pipe() {
        int ends[2];
        REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
        read.reset(ends[0]);
        write.reset(ends[1]);
    }
};

inline pid_t start(const std::vector<std::string> &arguments, const std::vector<std::string> &environment,
                   int in, int out, int err) {
    const auto pointers = [](const std::vector<std::string> &texts) {
        std::vector<char *> list;
        for (const auto &text : texts)
            list.push_back(const_cast<char *>(text.c_str()));
        list.push_back(nullptr);
        return list;
    };
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, in, 0);
    ::posix_spawn_file_actions_adddup2(&actions, out, 1);
    ::posix_spawn_file_actions_adddup2(&actions, err, 2);
    pid_t pid = 0;
    const int failed = ::posix_spawn(&pid, arguments[0].c_str(), &actions, nullptr,
                                     pointers(arguments).data(), pointers(environment).data());
    ::posix_spawn_file_actions_destroy(&actions);
    REQUIRE(failed == 0);
    return pid;
}

struct Outcome {
    int status = -1; ///< exit status; -1: killed by a signal
    std::string out;
    std::string err;
};

/// A running process. Must be passed to finish().
struct Running {
    pid_t pid = 0;
    Fd out, err;
};

/// `input` must fit a pipe's buffer (64 KiB).
inline Running run_on(const std::vector<std::string> &arguments, const std::string &input = {},
                      const std::vector<std::string> &environment = {"LC_ALL=C"}) {
    Pipe in, out, err;
    REQUIRE(::write(in.write.get(), input.data(), input.size()) == static_cast<ssize_t>(input.size()));
    const pid_t pid = start(arguments, environment, in.read.get(), out.write.get(), err.write.get());
    return {pid, std::move(out.read), std::move(err.read)};
}

/// Waits for its exit.
inline Outcome finish(Running running) {
    Outcome outcome;
    pollfd waiting[2] = {{running.out.get(), POLLIN, 0}, {running.err.get(), POLLIN, 0}};
    std::string *texts[2] = {&outcome.out, &outcome.err};
    for (int open = 2; open > 0;) {
        REQUIRE(::poll(waiting, 2, 60'000) > 0);
        for (int i = 0; i < 2; ++i) {
            if (waiting[i].fd < 0 || waiting[i].revents == 0)
                continue;
            char chunk[4096];
            const auto count = ::read(waiting[i].fd, chunk, sizeof chunk);
            if (count > 0)
                texts[i]->append(chunk, static_cast<std::size_t>(count));
            else {
                waiting[i].fd = -1;
                --open;
            }
        }
    }
    int status = 0;
    ::waitpid(running.pid, &status, 0);
    outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return outcome;
}

inline Outcome run(const std::vector<std::string> &arguments, const std::string &input = {},
                   const std::vector<std::string> &environment = {"LC_ALL=C"}) {
    return finish(run_on(arguments, input, environment));
}

} // namespace glb::test
