// Child processes of a test, in the foreground or background. They are always killed and reaped.
#pragma once

#include <chrono>
#include <csignal>
#include <string>
#include <thread>
#include <vector>

#include <sys/types.h>

#include "controller/util/fd.h"

namespace glb::test {

using std::chrono::milliseconds;

/// Polls `predicate` every 10 ms until it is true or `timeout` has passed. Returns its last value.
template <typename Predicate>
[[nodiscard]] bool eventually(milliseconds timeout, Predicate predicate) {
    const auto end = std::chrono::steady_clock::now() + timeout;
    while (!predicate()) {
        if (std::chrono::steady_clock::now() >= end)
            return predicate();
        std::this_thread::sleep_for(milliseconds(10));
    }
    return true;
}

struct CommandResult {
    int code = -1;      ///< exit status; 128 + signal if killed by a signal; 127 if the program cannot be run
    std::string output; ///< stdout and stderr, interleaved
    bool timed_out = false;
};

/// A program in the background. The destructor kills its process group and reaps it; it is also killed when
/// the thread that started it exits. Its stdout and stderr are written to a memfd.
class Process {
  public:
    /// `netns` is the descriptor of a network namespace, or -1 for the caller's. Only the network namespace
    /// changes: /sys and bpffs are those of the host. Throws std::runtime_error.
    explicit Process(const std::vector<std::string> &argv, int netns = -1);
    ~Process();
    Process(Process &&other) noexcept;
    Process &operator=(Process &&) = delete;

    [[nodiscard]] pid_t pid() const { return pid_; }
    [[nodiscard]] bool running();
    [[nodiscard]] std::string output() const;

    /// True once the output matches the ECMAScript `regex`.
    [[nodiscard]] bool wait_for_output(const std::string &regex, milliseconds timeout) const;

    /// True once it has exited; then code() is its status as in CommandResult.
    [[nodiscard]] bool wait(milliseconds timeout);
    [[nodiscard]] int code() const { return code_; }

    /// Sends `signal` to the process group.
    void kill(int signal = SIGTERM);

  private:
    pid_t pid_ = -1;
    bool reaped_ = false;
    int code_ = -1;
    Fd output_;
};

/// Runs a program to its end. Kills it after `timeout`.
[[nodiscard]] CommandResult run_command(const std::vector<std::string> &argv, int netns = -1,
                                        milliseconds timeout = std::chrono::seconds(30));

/// The same, but throws std::runtime_error with the command and its output on an exit status other than 0.
std::string must_run(const std::vector<std::string> &argv, int netns = -1);

} // namespace glb::test
