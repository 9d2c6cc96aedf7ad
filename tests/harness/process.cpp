#include "tests/harness/process.h"

#include <cstdio>
#include <cstring>
#include <regex>
#include <sched.h>
#include <stdexcept>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace glb::test {

namespace {

// After fork() in a multi-threaded process only async-signal-safe calls are allowed: nothing here allocates.
[[noreturn]] void become(char *const *argv, int netns, int output, pid_t parent) {
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(126);
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    if (netns >= 0 && setns(netns, CLONE_NEWNET) != 0)
        _exit(126);
    execvp(argv[0], argv);
    constexpr char text[] = "cannot be run\n";
    [[maybe_unused]] const auto written = write(STDERR_FILENO, text, sizeof text - 1);
    _exit(127);
}

} // namespace

Process::Process(const std::vector<std::string> &argv, int netns)
    : output_(memfd_create("output", MFD_CLOEXEC)) {
    if (!output_ || argv.empty())
        throw std::runtime_error("Process: cannot create the output file, or argv is empty");
    std::vector<char *> raw;
    for (const auto &argument : argv)
        raw.push_back(const_cast<char *>(argument.c_str()));
    raw.push_back(nullptr);
    const pid_t parent = getpid();
    pid_ = fork();
    if (pid_ < 0)
        throw std::runtime_error(fmt::format("fork: {}", std::strerror(errno)));
    if (pid_ == 0)
        become(raw.data(), netns, output_.get(), parent);
    setpgid(pid_, pid_); // in parent and child, so that kill() works whichever runs first
}

Process::Process(Process &&other) noexcept
    : pid_(std::exchange(other.pid_, -1)), reaped_(other.reaped_), code_(other.code_),
      output_(std::move(other.output_)) {}

Process::~Process() {
    if (pid_ <= 0)
        return;
    ::kill(-pid_, SIGKILL); // also kills children that it left running after its exit
    if (!reaped_)
        waitpid(pid_, nullptr, 0);
}

bool Process::running() {
    int status = 0;
    if (!reaped_ && waitpid(pid_, &status, WNOHANG) == pid_) {
        reaped_ = true;
        code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    return !reaped_;
}

std::string Process::output() const {
    std::string text;
    char buffer[4096];
    ssize_t got = 0;
    while ((got = pread(output_.get(), buffer, sizeof buffer, static_cast<off_t>(text.size()))) > 0)
        text.append(buffer, static_cast<std::size_t>(got));
    return text;
}

bool Process::wait_for_output(const std::string &regex, milliseconds timeout) const {
    const std::regex wanted(regex);
    return eventually(timeout, [&] { return std::regex_search(output(), wanted); });
}

bool Process::wait(milliseconds timeout) {
    return eventually(timeout, [&] { return !running(); });
}

void Process::kill(int signal) {
    if (pid_ > 0 && !reaped_)
        ::kill(-pid_, signal);
}

CommandResult run_command(const std::vector<std::string> &argv, int netns, milliseconds timeout) {
    Process process(argv, netns);
    const auto end = std::chrono::steady_clock::now() + timeout;
    // Most commands take only one or two milliseconds: polling every 10 ms would dominate a test's time.
    while (process.running() && std::chrono::steady_clock::now() < end)
        std::this_thread::sleep_for(std::chrono::microseconds(500));
    const bool timed_out = process.running();
    if (timed_out) {
        process.kill(SIGKILL);
        (void)process.wait(std::chrono::seconds(5));
    }
    return {.code = process.code(), .output = process.output(), .timed_out = timed_out};
}

std::string must_run(const std::vector<std::string> &argv, int netns) {
    auto result = run_command(argv, netns);
    if (result.code != 0)
        throw std::runtime_error(fmt::format("{}: exit {}{}: {}", fmt::join(argv, " "), result.code,
                                             result.timed_out ? ", timed out" : "", result.output));
    return std::move(result.output);
}

} // namespace glb::test
