#include "tests/netns/churn/kernel_objects.h"

#include <filesystem>
#include <fstream>

#include <fmt/format.h>

namespace glb::test {

namespace {

std::size_t count_entries(const std::string &folder) {
    std::error_code code;
    std::size_t count = 0;
    for (const auto &entry : std::filesystem::directory_iterator(folder, code))
        count += !entry.path().empty();
    return count;
}

std::size_t read_status(pid_t pid, const std::string &key) {
    std::ifstream file(fmt::format("/proc/{}/status", pid));
    for (std::string line; std::getline(file, line);)
        if (line.rfind(key + ":", 0) == 0)
            return std::stoul(line.substr(key.size() + 1));
    return 0;
}

/// Descriptors of `pid` whose link in /proc begins with `kind`.
std::size_t count_descriptors(pid_t pid, const std::string &kind) {
    std::error_code code;
    std::size_t count = 0;
    for (const auto &entry : std::filesystem::directory_iterator(fmt::format("/proc/{}/fd", pid), code))
        count += std::filesystem::read_symlink(entry.path(), code).string().rfind(kind, 0) == 0;
    return count;
}

} // namespace

Resources resources_of(pid_t pid) {
    return {count_entries(fmt::format("/proc/{}/fd", pid)), count_descriptors(pid, "anon_inode:bpf-map"),
            count_descriptors(pid, "anon_inode:bpf-prog") + count_descriptors(pid, "anon_inode:bpf_link"),
            read_status(pid, "Threads"), read_status(pid, "VmRSS")};
}

std::string to_string(const Resources &resources) {
    return fmt::format("{} descriptors, {} maps, {} programs and links, {} threads, {} KiB",
                       resources.descriptors, resources.bpf_maps, resources.bpf_others, resources.threads,
                       resources.resident_kib);
}

} // namespace glb::test
