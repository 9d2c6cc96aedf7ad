#include "tests/netns/churn/kernel_objects.h"

#include <filesystem>
#include <fstream>

#include <fmt/format.h>

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

/// Descriptors of `pid` whose name in /proc begins with `kind`.
std::size_t of_kind(pid_t pid, const std::string &kind) {
    std::error_code code;
    std::size_t count = 0;
    for (const auto &entry : std::filesystem::directory_iterator(fmt::format("/proc/{}/fd", pid), code))
        count += std::filesystem::read_symlink(entry.path(), code).string().rfind(kind, 0) == 0;
    return count;
}

} // namespace

Holdings holdings_of(pid_t pid) {
    return {entries(fmt::format("/proc/{}/fd", pid)), of_kind(pid, "anon_inode:bpf-map"),
            of_kind(pid, "anon_inode:bpf-prog") + of_kind(pid, "anon_inode:bpf_link"),
            status_of(pid, "Threads"), status_of(pid, "VmRSS")};
}

std::string to_string(const Holdings &holdings) {
    return fmt::format("{} descriptors, {} maps, {} programs and links, {} threads, {} KiB",
                       holdings.descriptors, holdings.bpf_maps, holdings.bpf_others, holdings.threads,
                       holdings.resident_kib);
}

} // namespace glb::test
