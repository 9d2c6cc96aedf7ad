#include "tests/netns/churn/holdings.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include <fmt/format.h>

#include "tests/harness/process.h"

namespace glb::test {

namespace {

std::size_t entries(const std::string &folder) {
    std::error_code code;
    std::size_t count = 0;
    for (const auto &entry : std::filesystem::directory_iterator(folder, code))
        count += !entry.path().empty();
    return count;
}

std::size_t status_of(pid_t pid, const std::string &key) {
    std::ifstream file(fmt::format("/proc/{}/status", pid));
    for (std::string line; std::getline(file, line);)
        if (line.rfind(key + ":", 0) == 0)
            return std::stoul(line.substr(key.size() + 1));
    return 0;
}

/// Lines of `bpftool KIND show` that begin an object: "12: array ...".
std::size_t bpf_objects(const std::string &kind) {
    const auto text = must_run({"bpftool", kind, "show"});
    std::size_t count = 0;
    bool line_begins = true;
    for (const char byte : text) {
        count += line_begins && byte >= '0' && byte <= '9';
        line_begins = byte == '\n';
    }
    return count;
}

} // namespace

Holdings holdings_of(pid_t pid) {
    return {entries(fmt::format("/proc/{}/fd", pid)), bpf_objects("map"), bpf_objects("prog"),
            status_of(pid, "Threads"), status_of(pid, "VmRSS")};
}

std::string to_text(const Holdings &holdings) {
    return fmt::format("{} descriptors, {} maps, {} programs, {} threads, {} KiB", holdings.descriptors,
                       holdings.bpf_maps, holdings.bpf_programs, holdings.threads, holdings.resident_kib);
}

} // namespace glb::test
