#include "tests/harness/leak_check.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <unistd.h>

#include <bpf/bpf.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace glb::test {

namespace {

void add_bpf(std::set<std::string> &seen, const char *noun, int (*next)(__u32, __u32 *)) {
    for (__u32 id = 0; next(id, &id) == 0;)
        seen.insert(fmt::format("{} {}", noun, id));
}

void add_children(std::set<std::string> &seen) {
    std::error_code none;
    for (const auto &task : std::filesystem::directory_iterator("/proc", none)) {
        const auto pid = task.path().filename().string();
        if (!std::all_of(pid.begin(), pid.end(), [](char c) { return c >= '0' && c <= '9'; }))
            continue;
        std::ifstream file(task.path() / "stat");
        const std::string stat{std::istreambuf_iterator<char>(file), {}};
        const auto name_end = stat.rfind(')'); // a name may contain blanks and parentheses
        int parent = 0;
        char state = 0;
        if (name_end != std::string::npos &&
            std::sscanf(stat.c_str() + name_end + 1, " %c %d", &state, &parent) == 2 && parent == getpid())
            seen.insert("process " + pid);
    }
}

} // namespace

std::set<std::string> LeakCheck::list_objects() {
    std::set<std::string> seen;
    std::error_code none;
    for (const auto &entry : std::filesystem::directory_iterator("/run/netns", none)) {
        const auto name = entry.path().filename().string();
        if (name.starts_with(fmt::format("glbt-{}-", getpid())))
            seen.insert("namespace " + name);
    }
    add_children(seen);
    add_bpf(seen, "program", bpf_prog_get_next_id);
    add_bpf(seen, "map", bpf_map_get_next_id);
    add_bpf(seen, "link", bpf_link_get_next_id);
    return seen;
}

std::string LeakCheck::leaks(milliseconds timeout) const {
    std::set<std::string> leaked;
    (void)eventually(timeout, [&] {
        leaked.clear();
        const auto now = list_objects();
        std::set_difference(now.begin(), now.end(), before_.begin(), before_.end(),
                            std::inserter(leaked, leaked.end()));
        return leaked.empty();
    });
    return fmt::format("{}", fmt::join(leaked, ", "));
}

} // namespace glb::test
