// glbctl -o json flows: the listing is passed on as it arrives, of any size, in bounded memory.
#include <catch2/catch.hpp>

#include <algorithm>
#include <array>

#include <sys/resource.h>

#include <nlohmann/json.hpp>

#include "controller/util/files.h"
#include "tests/unit/cli/fixture.h"

using namespace glb::test;

namespace {

struct Summary {
    int status = -1;
    std::uint64_t bytes = 0;
    std::uint64_t flows = 0;
    std::string last; ///< bytes
    long peak_kib = 0;
};

/// Reads a flow listing to its end without storing it.
Summary count_flows(Running running) {
    static constexpr std::string_view mark = "\"endpoint\":";
    Summary summary;
    std::string text; // unsearched: the end of one piece, and the next piece
    std::array<char, 1 << 16> piece{};
    for (ssize_t count = 0; (count = ::read(running.out.get(), piece.data(), piece.size())) > 0;) {
        text.append(piece.data(), static_cast<std::size_t>(count));
        summary.bytes += static_cast<std::uint64_t>(count);
        std::size_t searched = 0;
        for (std::size_t at = 0; (at = text.find(mark, searched)) != std::string::npos; ++summary.flows)
            searched = at + mark.size();
        summary.last = text.substr(text.size() - std::min<std::size_t>(text.size(), 64));
        text.erase(0, std::max(searched, text.size() - std::min(text.size(), mark.size() - 1)));
    }
    int status = 0;
    rusage usage{};
    ::wait4(running.pid, &status, 0, &usage);
    summary.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    summary.peak_kib = usage.ru_maxrss;
    return summary;
}

/// Peak resident memory of a process so far, in KiB.
long peak_of(pid_t pid) {
    const auto text = glb::read_file("/proc/" + std::to_string(pid) + "/status");
    REQUIRE(text);
    const auto at = text->find("VmHWM:");
    REQUIRE(at != std::string::npos);
    return std::stol(text->substr(at + 6));
}

} // namespace

TEST_CASE("stream: a million flows pass through daemon and glbctl in bounded memory") {
    const Fixture glbctl(true, "million");
    const auto before = count_flows(glbctl.begin({"-o", "json", "status"}));
    const auto daemon_before = peak_of(glbctl.daemon());
    const auto all = count_flows(glbctl.begin({"-o", "json", "flows", "--limit", "0"}));
    CHECK(all.status == 0);
    CHECK(all.flows == 1'000'000);
    CHECK(all.bytes > (100u << 20));
    CHECK(all.last.ends_with("\"total\":1000000,\"truncated\":false}\n"));
    CHECK(all.peak_kib - before.peak_kib < 4096);
    CHECK(peak_of(glbctl.daemon()) - daemon_before < 4096);
}

TEST_CASE("stream: a listing that is cut off is an error, after the bytes received before") {
    const Fixture glbctl(true, "broken");
    auto running = glbctl.begin({"-o", "json", "flows", "--limit", "0"});
    glb::Fd err = std::move(running.err);
    const auto summary = count_flows(std::move(running));
    CHECK(summary.status == 1);
    CHECK(summary.flows > 0);
    std::string message(512, '\0');
    message.resize(
        static_cast<std::size_t>(std::max<ssize_t>(0, ::read(err.get(), message.data(), message.size()))));
    CHECK(has(message, "glbctl: the output is incomplete: the response broke off after " +
                           std::to_string(summary.bytes) + " bytes: "));
}

TEST_CASE("stream: errors are recognised by the status, and are a document") {
    const Fixture glbctl;
    const auto refused = glbctl({"-o", "json", "flows", "--target", "unknown"});
    CHECK(refused.status == 1);
    CHECK(refused.err == "glbctl: there is no target \"unknown\"\n");
    CHECK(nlohmann::json::parse(refused.out)["errors"].size() == 1);
}

TEST_CASE("stream: output that cannot be written ends the transfer with an error") {
    const Fixture glbctl(true, "million");
    const auto [target, reason] = GENERATE(table<std::string, std::string>(
        {{"> /dev/full", "No space left on device"}, {">&-", "Bad file descriptor"}}));
    const auto outcome = run({"/bin/sh", "-c", fmt::format("exec \"$@\" {}", target), "sh", GLBCTL,
                              "--socket", glbctl.socket(), "-o", "json", "flows", "--limit", "0"});
    CHECK(outcome.status == 1);
    CHECK(outcome.err == "glbctl: cannot write the output: " + reason + "\n");
}
