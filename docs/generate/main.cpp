// glb-reference write|check DIR: generates the pages of docs/reference, or reports which of them are
// outdated.
#include <fmt/format.h>

#include <array>
#include <cstdio>
#include <string_view>

#include "controller/util/files.h"
#include "docs/generate/pages.h"

namespace {

using namespace glb;

struct Page {
    std::string_view name;
    std::string text;
};

Result<std::array<Page, 4>> make_pages() {
    GLB_ASSIGN(const auto schema, read_file(SCHEMA));
    return std::array<Page, 4>{
        {{"manifest.md", reference::manifest_page(nlohmann::ordered_json::parse(schema))},
         {"drops.md", reference::drops_page()},
         {"counters.md", reference::counters_page()},
         {"metrics.md", reference::metrics_page()}}};
}

Status write(const std::string &folder) {
    GLB_ASSIGN(const auto pages, make_pages());
    for (const auto &[name, text] : pages)
        GLB_TRY(write_file_atomically(fmt::format("{}/{}", folder, name), text, 0644));
    return {};
}

Status check(const std::string &folder) {
    GLB_ASSIGN(const auto pages, make_pages());
    std::string stale;
    for (const auto &[name, text] : pages) {
        const auto current = read_file(fmt::format("{}/{}", folder, name));
        if (!current || *current != text)
            stale += fmt::format(" {}", name);
    }
    if (!stale.empty())
        return fail("outdated:{}; regenerate: build the target \"reference\"", stale);
    return {};
}

} // namespace

int main(int argc, char **argv) {
    const std::string_view action = argc == 3 ? argv[1] : "";
    if (action != "write" && action != "check") {
        fmt::print(stderr, "usage: glb-reference write|check DIR\n");
        return 2;
    }
    const auto done = action == "write" ? write(argv[2]) : check(argv[2]);
    if (!done)
        fmt::print(stderr, "glb-reference: {}\n", done.error().message);
    return done ? 0 : 1;
}
